//! `mnas eval --model`: accuracy of an exported network in the runtime that executes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mnas_engine::training::{DataRequest, Split};
use mnas_engine::worker::{Floats, ImagesRequest, ImagesSource};
use mnas_latency::RuntimeError;
use serde::Serialize;

use super::cancel_flag;
use super::device::{litert, onnx_runtime};
use super::error::CliError;
use super::images::{InputArguments, visit_images};
use crate::classifier::{Classifier, best};
use crate::report::Printer;

/// Evaluation of a file.
pub struct ModelEvaluation<'a> {
    /// ONNX or TFLite file.
    pub model: &'a Path,
    /// The images.
    pub data: DataRequest,
    pub split: Split,
    pub input: &'a InputArguments,
    /// Number of the score of each class name.
    pub label_map: Option<BTreeMap<String, u32>>,
}

#[derive(Serialize)]
pub struct Document {
    name: String,
    top1: f64,
    top5: f64,
    images: usize,
    /// Top-1 among the classes of the images only.
    top1_of_present_classes: f64,
    present_classes: usize,
}

impl ModelEvaluation<'_> {
    pub fn run(self, json: bool, printer: &Printer) -> Result<(), CliError> {
        let document = self.evaluate(printer)?;
        if json {
            return Ok(printer.json(&document)?);
        }
        Ok(printer.result(&format!(
            "{}: top-1 {:.2} %, top-5 {:.2} % on {} images; top-1 among their {} classes {:.2} %",
            document.name,
            document.top1,
            document.top5,
            document.images,
            document.present_classes,
            document.top1_of_present_classes
        ))?)
    }

    fn evaluate(self, printer: &Printer) -> Result<Document, CliError> {
        let mut classifier = Classifier::open(self.model, &onnx_runtime, &litert, None)?;
        let request = self.request(&mut classifier)?;
        let cancel = cancel_flag()?;
        let mut failure = None;
        let mut scored: Vec<(Vec<f32>, u32)> = Vec::new();
        visit_images(
            request,
            &cancel,
            printer,
            &mut |image, label| match classifier.score(&image) {
                Ok(scores) => scored.push((scores, label)),
                Err(error) => failure = Some(error),
            },
        )?;
        if let Some(error) = failure {
            return Err(error.into());
        }
        Ok(summary(self.model.display().to_string(), &scored))
    }

    fn request(&self, classifier: &mut Classifier) -> Result<ImagesRequest, CliError> {
        let normalization = self.input.normalization()?.or(classifier.notes.normalization);
        if normalization.is_none() {
            return Err(CliError::usage(format!(
                "{} does not state how images are normalised",
                self.model.display()
            ))
            .with_help("add --mean and --std"));
        }
        let names = classifier.notes.classes.iter().cloned().zip(0..);
        let by_name = Some(names.collect::<BTreeMap<String, u32>>()).filter(|names| !names.is_empty());
        let resolution = classifier.resolution;
        Ok(ImagesRequest {
            source: ImagesSource::Split {
                data: self.data.clone(),
                split: self.split,
                label_map: self.label_map.clone().or(by_name),
                scores: number_of_scores(classifier)?,
            },
            resolution,
            image_size: resolution,
            fit: self.input.fit(),
            normalization,
        })
    }
}

/// Number of scores of a network, from those of a grey image.
fn number_of_scores(classifier: &mut Classifier) -> Result<u32, RuntimeError> {
    let pixels = (classifier.resolution * classifier.resolution * 3) as usize;
    Ok(classifier.score(&Floats(vec![0.0; pixels]))?.len() as u32)
}

/// Accuracies of scores with the numbers of the right classes.
fn summary(name: String, scored: &[(Vec<f32>, u32)]) -> Document {
    let present: BTreeSet<u32> = scored.iter().map(|(_, label)| *label).collect();
    let (mut top1, mut top5, mut among) = (0, 0, 0);
    for (scores, label) in scored {
        let order = best(scores, 5);
        let label = *label as usize;
        top1 += usize::from(order.first() == Some(&label));
        top5 += usize::from(order.contains(&label));
        let score = |class: &&u32| scores.get(**class as usize).copied().unwrap_or(f32::NEG_INFINITY);
        let chosen = present.iter().max_by(|one, other| score(one).total_cmp(&score(other)));
        among += usize::from(chosen.is_some_and(|class| *class as usize == label));
    }
    let percent = |count: usize| 100.0 * count as f64 / scored.len().max(1) as f64;
    Document {
        name,
        top1: percent(top1),
        top5: percent(top5),
        images: scored.len(),
        top1_of_present_classes: percent(among),
        present_classes: present.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn only_present_classes_compete_where_asked() {
        let scored = [(vec![0.1, 0.9, 0.5], 2), (vec![0.9, 0.1, 0.0], 0)];
        let found = summary("m".to_owned(), &scored);
        let figures = [found.top1, found.top5, found.top1_of_present_classes];
        assert_eq!(
            (figures, found.images, found.present_classes),
            ([50.0, 100.0, 100.0], 2, 2)
        );
    }
}

//! `mnas predict`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use mnas_engine::study::StudyFolder;
use mnas_engine::worker::{Floats, ImagesRequest, ImagesSource};
use serde::Serialize;

use super::cancel_flag;
use super::device::{litert, onnx_runtime};
use super::error::CliError;
use super::images::{InputArguments, read_images};
use super::model::read_labels;
use crate::classifier::{Classifier, best, shares};
use crate::report::{Heading, Printer, listing, units};

/// Classes shown for each image.
const SHOWN: usize = 5;

#[derive(Debug, Args)]
pub struct PredictArguments {
    /// JPEG, PNG, BMP or WebP images
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
    /// The network: a .tflite or .onnx file, or a study's folder (its best network)
    #[arg(long, value_name = "FILE|STUDY")]
    model: PathBuf,
    /// Side of the images in pixels, for ONNX files that leave it open
    #[arg(long)]
    resolution: Option<u32>,
    #[command(flatten)]
    input: InputArguments,
    /// Names of the classes, one per line in the order of the scores [default: the file's, else their numbers]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    model: PathBuf,
    images: Vec<Prediction>,
}

#[derive(Serialize)]
struct Prediction {
    image: PathBuf,
    /// Time of the computation on one thread, without reading the image.
    ms: f64,
    classes: Vec<Class>,
}

#[derive(Serialize)]
struct Class {
    #[serde(rename = "class")]
    name: String,
    index: usize,
    /// Softmax of the scores, in percent.
    percent: f64,
}

pub fn run(arguments: &PredictArguments, printer: &Printer) -> Result<(), CliError> {
    let model = arguments.file()?;
    let mut classifier = Classifier::open(&model, &onnx_runtime, &litert, arguments.resolution)?;
    let normalization = arguments.input.normalization()?.or(classifier.notes.normalization);
    let Some(normalization) = normalization else {
        return Err(
            CliError::usage(format!("{} does not state how images are normalised", model.display())).with_help(
                "add --mean and --std; ImageNet's usual ones are --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
            ),
        );
    };
    let labels = match &arguments.labels {
        Some(path) => read_labels(path)?,
        None => std::mem::take(&mut classifier.notes.classes),
    };
    let request = ImagesRequest {
        source: ImagesSource::Files(arguments.images.clone()),
        resolution: classifier.resolution,
        image_size: classifier.resolution,
        fit: arguments.input.fit(),
        normalization: Some(normalization),
    };
    let cancel = cancel_flag()?;
    let images = read_images(request, &cancel, printer)?;
    // The first inference also prepares memory.
    if let Some(image) = images.first() {
        classifier.score(image)?;
    }
    let predictions = arguments.images.iter().zip(&images);
    let predictions = predictions
        .map(|(path, image)| predict(path.clone(), image, &mut classifier, &labels))
        .collect::<Result<Vec<_>, _>>()?;
    arguments.show(model, predictions, printer)
}

fn predict(
    path: PathBuf,
    image: &Floats,
    classifier: &mut Classifier,
    labels: &[String],
) -> Result<Prediction, CliError> {
    let started = Instant::now();
    let scores = classifier.score(image)?;
    let ms = started.elapsed().as_secs_f64() * 1e3;
    if !labels.is_empty() && labels.len() != scores.len() {
        return Err(CliError::config(format!(
            "there are {} names of classes, and the network scores {}",
            labels.len(),
            scores.len()
        )));
    }
    let shares = shares(&scores);
    let class = |index: usize| Class {
        name: labels.get(index).cloned().unwrap_or_else(|| index.to_string()),
        index,
        percent: 100.0 * f64::from(shares[index]),
    };
    Ok(Prediction {
        image: path,
        ms,
        classes: best(&scores, SHOWN).into_iter().map(class).collect(),
    })
}

impl PredictArguments {
    /// The file of the network.
    fn file(&self) -> Result<PathBuf, CliError> {
        if !self.model.is_dir() {
            return Ok(self.model.clone());
        }
        let model = StudyFolder::open(&self.model)?.best().join("model.onnx");
        if model.is_file() {
            return Ok(model);
        }
        Err(CliError::config(format!(
            "{} holds no trained best network (no best/model.onnx)",
            self.model.display()
        )))
    }

    fn show(&self, model: PathBuf, predictions: Vec<Prediction>, printer: &Printer) -> Result<(), CliError> {
        if self.json {
            return Ok(printer.json(&Document {
                model,
                images: predictions,
            })?);
        }
        let headings = [
            Heading::text("image"),
            Heading::text("class"),
            Heading::number("share"),
            Heading::number("time"),
        ];
        let rows = predictions.iter().flat_map(|prediction| {
            prediction.classes.iter().enumerate().map(|(place, class)| {
                let is_first = place == 0;
                let once = |text: String| if is_first { text } else { String::new() };
                vec![
                    once(prediction.image.display().to_string()),
                    class.name.clone(),
                    format!("{:.1} %", class.percent),
                    once(units::milliseconds(prediction.ms)),
                ]
            })
        });
        let rows: Vec<Vec<String>> = rows.collect();
        Ok(printer.result(&listing(&headings, &rows, printer.table_options().width))?)
    }
}

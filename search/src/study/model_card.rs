//! Model card of the best network of a study, in Markdown.

use std::fmt::Write;
use std::path::Path;

use mnas_engine::study::{Int8Result, StudyConfig, StudyState, Trial, TrialOutcome};
use mnas_engine::training::{DataRequest, Recipe, Split};

use super::outcome::Outcome;
use crate::export::{CALIBRATION_IMAGES, Check, ExportNetwork, Exported};
use crate::report::units;

/// Training behind the best network: its trial's, or its final one.
pub(super) struct BestTraining<'a> {
    /// True if the network was trained in full.
    pub is_final: bool,
    pub recipe: &'a Recipe,
    data: &'a DataRequest,
    /// Largest number of images per split, where limited.
    images: Option<usize>,
    /// Extent of the training: network, number of images and recipe.
    effort: String,
    seed: u64,
    seconds: Option<f64>,
    /// Top-1 accuracy on validation images, in percent.
    val_top1: Option<f64>,
    /// Number of validation images.
    val_images: Option<usize>,
    /// Top-1 accuracy on the test split, in percent.
    test_top1: Option<f64>,
    /// The network in 8-bit integers, where it was evaluated.
    int8: Option<&'a Int8Result>,
}

impl<'a> BestTraining<'a> {
    /// Training of the study's winner; `None` where nothing was trained.
    pub fn of(config: &'a StudyConfig, state: &'a StudyState, trial: &Trial, outcome: &Outcome) -> Option<Self> {
        let training = config.training()?;
        let finals = outcome.finals.as_ref();
        let finalist = finals.and_then(|finals| Some((finals, &finals.rows[finals.best?])));
        if let (Some((finals, row)), Some(plan)) = (finalist, &training.finals) {
            let finalist = state.finals().of_trial(trial.number)?;
            return Some(Self {
                is_final: true,
                recipe: &plan.recipe,
                data: &training.data,
                images: plan.images,
                effort: format!("trained in full as deployed: {}", finals.spent),
                seed: finalist.seed,
                seconds: row.train_seconds,
                val_top1: row.val_top1,
                val_images: val_images(&finalist.outcome),
                test_top1: row.test_top1,
                int8: finalist.int8.as_ref(),
            });
        }
        let seconds = match &trial.outcome {
            TrialOutcome::Finished(result) => Some(result.seconds),
            TrialOutcome::Pending | TrialOutcome::Failed { .. } => None,
        };
        Some(Self {
            is_final: false,
            recipe: &training.recipe,
            data: &training.data,
            images: training.data.images,
            effort: config.fidelity(None),
            seed: trial.seed,
            seconds,
            val_top1: trial.accuracy(),
            val_images: val_images(&trial.outcome),
            test_top1: None,
            int8: None,
        })
    }
}

/// File beside the model card, with its purpose.
pub(super) struct CardFile {
    pub name: &'static str,
    pub purpose: &'static str,
    pub exported: Exported,
}

fn val_images(outcome: &TrialOutcome) -> Option<usize> {
    let TrialOutcome::Finished(result) = outcome else {
        return None;
    };
    let images = result.training.as_ref()?.validation_images;
    (images > 0).then_some(images)
}

/// Text of the card of a trial's network, whose files lie in `folder`.
pub(super) fn model_card(
    (config, state): (&StudyConfig, &StudyState),
    (trial, training): (&Trial, &BestTraining<'_>),
    network: &ExportNetwork,
    (files, folder): (&[CardFile], &Path),
) -> String {
    let mut text = format!(
        "# Best network of {}\n\nFound and written by mnas {}. Network `{}`:\n\n    {}\n\n",
        config.name,
        env!("CARGO_PKG_VERSION"),
        trial.id,
        network.architecture,
    );
    text += &table(["", ""], &facts(config, (trial, training), network));
    text += "\nThe validation accuracy comes from the images that the search compared networks on, which makes it a little too good; the \
             search itself never read test images.\n\n## Files\n\n";
    let rows = files.iter().map(|file| {
        let purpose = format!("{}; {}", file.purpose, checked(&file.exported.check));
        (format!("`{}`", file.name), purpose)
    });
    text += &table(["file", "content"], &rows.collect::<Vec<_>>());
    text += "\n## Training\n\n";
    text += &repetition(config, state, training, folder);
    text
}

/// Rows of facts about the network.
fn facts(
    config: &StudyConfig,
    (trial, training): (&Trial, &BestTraining<'_>),
    network: &ExportNetwork,
) -> Vec<(String, String)> {
    let input = network.graph.input;
    let mut facts = vec![
        (
            "input".to_owned(),
            format!("RGB image, {} x {}", input.height, input.width),
        ),
        ("parameters".to_owned(), units::grouped(trial.costs.params)),
        ("multiply-adds".to_owned(), units::grouped(trial.costs.macs)),
        (
            "peak memory of feature maps".to_owned(),
            units::bytes(trial.costs.peak_activation_bytes),
        ),
    ];
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(trained) = &network.trained {
        if let Some(normalization) = trained.normalization {
            let (mean, std) = (normalization.mean, normalization.std);
            add(
                "normalisation",
                format!("(pixel / 255 - mean) / deviation; mean {mean:.4?}, deviation {std:.4?}"),
            );
        }
        add("classes", format!("{} (`labels.txt`)", trained.classes.len()));
    }
    for (index, device) in config.devices.iter().enumerate() {
        let name = format!("latency on {}", device.name);
        let predicted = trial.costs.latency.get(index).map(|prediction| {
            let [low, middle, high] =
                [prediction.low, prediction.latency, prediction.high].map(|ms| units::milliseconds(ms.0));
            format!("predicted {middle} ({low} to {high})")
        });
        let measured = trial.measured_ms.get(index).copied().flatten();
        let measured = measured.map_or_else(
            || "not measured".to_owned(),
            |ms| format!("measured {}", units::milliseconds(ms)),
        );
        let budget = device
            .budget
            .map_or_else(|| "no budget".to_owned(), |budget| format!("budget {budget}"));
        let parts = [Some(measured), predicted, Some(budget), Some(device.runtime.clone())];
        add(&name, parts.into_iter().flatten().collect::<Vec<_>>().join("; "));
    }
    if let Some(accuracy) = training.val_top1 {
        let images = training.val_images.map_or_else(String::new, |images| {
            format!(" of {} images", units::grouped(images as u64))
        });
        add("validation top-1", format!("{}{images}", units::percent(accuracy)));
    }
    let test = training.test_top1;
    add(
        "test top-1",
        test.map_or_else(|| "not measured; see below".to_owned(), units::percent),
    );
    if let Some(int8) = training.int8 {
        let images = units::grouped(int8.images as u64);
        add(
            &format!("{} top-1 in int8", split_name(int8.split)),
            format!(
                "{} of {images} images, calibrated on {CALIBRATION_IMAGES} training images; {}",
                units::percent(int8.top1),
                loss_text(training, int8)
            ),
        );
        if let Some(latency) = int8.latency {
            let [quantised, float] = [latency.int8_ms, latency.fp32_ms].map(units::milliseconds);
            add(
                "latency in int8",
                format!("measured {quantised}, in fp32 {float}; {}", int8.runtime),
            );
        }
    }
    facts
}

fn split_name(split: Split) -> &'static str {
    if split == Split::Test { "test" } else { "validation" }
}

/// `0.4 points below fp32`
fn loss_text(training: &BestTraining<'_>, int8: &Int8Result) -> String {
    let float = if int8.split == Split::Test {
        training.test_top1
    } else {
        training.val_top1
    };
    let loss = float.map_or(0.0, |float| float - int8.top1);
    let side = if loss < 0.0 { "above" } else { "below" };
    format!("{:.2} points {side} fp32", loss.abs())
}

fn checked(check: &Check) -> String {
    match check {
        Check::Agrees(agreement) if agreement.difference == 0.0 => {
            format!("read back by {} with the same scores", agreement.reader)
        }
        Check::Agrees(agreement) => format!(
            "read back by {}, which differs from libtorch by {:.1e} of the largest score",
            agreement.reader, agreement.difference
        ),
        Check::Exact => "read back unchanged".to_owned(),
        Check::Unchecked { reason } => format!("not checked: {reason}"),
    }
}

/// Images, recipe and seeds, and the commands that repeat the training and test the network.
fn repetition(config: &StudyConfig, state: &StudyState, training: &BestTraining<'_>, folder: &Path) -> String {
    let mut text = String::new();
    if let Some(data) = state.data() {
        let demo = if data.demo {
            " (synthetic: accuracies mean nothing beyond the demo)"
        } else {
            ""
        };
        // Writing to a string cannot fail.
        let images = match (training.is_final, training.images) {
            (false, _) => data.description.clone(),
            (true, None) => format!("{}, all images of its splits", data.name),
            (true, Some(images)) => format!("{}, at most {images} images of each split", data.name),
        };
        let _ = writeln!(text, "- images: {images}{demo}");
    }
    let seconds = training
        .seconds
        .map_or_else(String::new, |seconds| format!(", {}", units::seconds(seconds)));
    let _ = writeln!(text, "- recipe: `recipe.toml`; {}{seconds}", training.effort);
    let _ = writeln!(
        text,
        "- seeds: {} of the study, {} of this training",
        config.seed, training.seed
    );
    let images = training
        .images
        .map_or_else(String::new, |images| format!(" --images {images}"));
    let (data, folder) = (training.data.path.display(), folder.display());
    let _ = write!(
        text,
        "\nTrain it again, and test it on images that the search did not read, from the folder where the search ran:\n\n    \
         mnas train {folder}/architecture.toml --data {data}{images} --data-seed {} --recipe {folder}/recipe.toml --seed {} -o again.safetensors\n    \
         mnas eval --weights {folder}/weights.safetensors --data {data} --split test\n\n\
         The whole search follows from `../study.toml` and `../space.toml`.\n",
        training.data.seed, training.seed
    );
    text
}

/// Markdown table of two columns.
fn table(heading: [&str; 2], rows: &[(String, String)]) -> String {
    let mut text = format!("| {} | {} |\n|---|---|\n", heading[0], heading[1]);
    for (name, value) in rows {
        let _ = writeln!(text, "| {} | {} |", cell(name), cell(value));
    }
    text
}

/// Text that ends neither a cell nor a row.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn cells_keep_to_their_row() {
        let rows = [("a|b".to_owned(), "c\nd".to_owned())];
        assert_eq!(table(["", "x"], &rows), "|  | x |\n|---|---|\n| a\\|b | c d |\n");
    }
}

//! Model card of the best network of a study, in Markdown.

use std::fmt::Write;

use mnas_engine::study::{DeviceConfig, Finalist, StudyConfig, StudyState, Trial, TrialOutcome};

use crate::export::{Check, Exported, Network};
use crate::report::{ReportRow, units};

/// File beside the model card, with its purpose.
pub(super) struct CardFile {
    pub name: &'static str,
    pub purpose: &'static str,
    pub exported: Exported,
}

/// Text of the card of a trial's network, which was trained to the end where it has a finalist.
pub(super) fn model_card(
    (config, state): (&StudyConfig, &StudyState),
    (trial, finalist, row): (&Trial, Option<&Finalist>, &ReportRow),
    (network, files): (&Network, &[CardFile]),
) -> String {
    let mut text = format!(
        "# Best network of {}\n\nFound and written by mnas {}. Network `{}`:\n\n    {}\n\n",
        config.name,
        env!("CARGO_PKG_VERSION"),
        trial.id,
        network.architecture,
    );
    let mut rows = costs(row, network);
    rows.extend(latencies(config, trial));
    rows.extend(accuracies(state, trial, finalist));
    text += &table(["", ""], &rows);
    text += "\nThe search compared networks on the validation images, which makes accuracies on them a little too good; it reads no \
             test images.\n\n## Files\n\n";
    let rows = files.iter().map(|file| {
        let purpose = format!("{}; {}", file.purpose, checked(&file.exported.check));
        (format!("`{}`", file.name), purpose)
    });
    text += &table(["file", "content"], &rows.collect::<Vec<_>>());
    text += "\n## Training\n\n";
    text += &training(config, state, (trial, finalist));
    text
}

/// Rows of the network's input, classes and counts.
fn costs(row: &ReportRow, network: &Network) -> Vec<(String, String)> {
    let input = network.graph.input;
    let mut facts = vec![
        ("input", format!("RGB image, {} x {}", input.height, input.width)),
        ("parameters", units::grouped(row.params)),
        ("multiply-adds", units::grouped(row.macs)),
        ("peak memory of feature maps", units::bytes(row.peak_activation_bytes)),
    ];
    if let Some(trained) = &network.trained {
        if let Some(normalization) = trained.normalization {
            let (mean, std) = (normalization.mean, normalization.std);
            let text = format!("(pixel / 255 - mean) / deviation; mean {mean:.4?}, deviation {std:.4?}");
            facts.push(("normalisation", text));
        }
        facts.push(("classes", format!("{} (`labels.txt`)", trained.classes.len())));
    }
    facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Rows of the latencies on the devices of the study.
fn latencies(config: &StudyConfig, trial: &Trial) -> Vec<(String, String)> {
    let row = |(index, device): (usize, &DeviceConfig)| {
        let measured = trial.measured_ms.get(index).copied().flatten();
        let measured = measured.map_or_else(
            || "not measured".to_owned(),
            |ms| format!("measured {}", units::milliseconds(ms)),
        );
        let predicted = trial.costs.latency.get(index).map(|prediction| {
            let [low, middle, high] =
                [prediction.low, prediction.latency, prediction.high].map(|ms| units::milliseconds(ms.0));
            format!("predicted {middle} ({low} to {high})")
        });
        let budget = device.budget.map(|budget| format!("budget {budget}"));
        let parts = [Some(measured), predicted, budget, Some(device.runtime.clone())];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        (format!("latency on {}", device.name), text)
    };
    config.devices.iter().enumerate().map(row).collect()
}

/// Rows of the accuracies: those of the training to the end where there was one.
fn accuracies(state: &StudyState, trial: &Trial, finalist: Option<&Finalist>) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let validation = finalist.map_or_else(|| trial.accuracy(), Finalist::val_top1);
    if let Some(accuracy) = validation {
        let images = state.data().map(|data| units::grouped(data.val as u64));
        let images = images.map_or_else(String::new, |images| format!(" of {images} images"));
        facts.push((
            "validation top-1".to_owned(),
            format!("{}{images}", units::percent(accuracy)),
        ));
    }
    let test = finalist.and_then(Finalist::test);
    let text = test.map_or_else(
        || "not measured; see below".to_owned(),
        |test| format!("{}; top-5 {}", units::percent(test.top1), units::percent(test.top5)),
    );
    facts.push(("test top-1".to_owned(), text));
    facts
}

fn checked(check: &Check) -> String {
    match check {
        Check::Agrees(agreement) => format!(
            "read back by {}, which differs from libtorch by {:.1e} of the largest score",
            agreement.reader, agreement.difference
        ),
        Check::Exact => "read back unchanged".to_owned(),
        Check::Unchecked { reason } => format!("not checked: {reason}"),
    }
}

/// Images, recipe and seeds, and the commands that repeat the training and test the network.
fn training(config: &StudyConfig, state: &StudyState, (trial, finalist): (&Trial, Option<&Finalist>)) -> String {
    let Some(training) = config.training() else {
        return String::new();
    };
    let mut text = String::new();
    if let Some(data) = state.data() {
        let demo = if data.demo {
            " (synthetic: accuracies mean nothing beyond the demo)"
        } else {
            ""
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- images: {}{demo}", data.description);
    }
    let outcome = finalist.map_or(&trial.outcome, |finalist| &finalist.outcome);
    let seconds = match outcome {
        TrialOutcome::Finished(result) => format!(", {}", units::seconds(result.seconds)),
        TrialOutcome::Pending | TrialOutcome::Failed { .. } => String::new(),
    };
    let finals = training.finals.as_ref().filter(|_| finalist.is_some());
    let spent = finals.map_or_else(
        || config.fidelity(None),
        |finals| {
            format!(
                "trained to the end: {} epochs, recipe {}",
                finals.recipe.epochs, finals.recipe.name
            )
        },
    );
    let seed = finalist.map_or(trial.seed, |finalist| finalist.seed);
    let _ = writeln!(text, "- recipe: `recipe.toml`; {spent}{seconds}");
    let _ = writeln!(text, "- seeds: {} of the study, {seed} of this training", config.seed);
    let images = training.data.images;
    let images = images.map_or_else(String::new, |images| format!(" --images {images}"));
    let _ = write!(
        text,
        "\nTrain it again, and test it on images that the search did not read:\n\n    \
         mnas train architecture.toml --data {}{images} --data-seed {} --recipe recipe.toml --seed {seed} -o again.safetensors\n    \
         mnas eval --weights weights.safetensors --split test\n\n\
         The whole search follows from `../study.toml` and `../space.toml`.\n",
        training.data.path.display(),
        training.data.seed,
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

//! Outcome of a search as tables, messages and JSON.

use std::path::PathBuf;

use mnas_engine::problem::{Metric, Quantity};
use mnas_engine::study::{FinalRole, FrontVolume, Study};
use serde::Serialize;

use super::super::error::CliError;
use super::{SearchArguments, beside, predicted};
use crate::predicted::PredictedOutcome;
use crate::report::{
    FinalistRow, Printer, ReferenceRow, ReportRow, RowKind, closing_table, finalists_table, references_table, units,
};
use crate::study::{BestFiles, FinalOutcome, Outcome};

#[derive(Serialize)]
struct Document {
    study: PathBuf,
    trials: usize,
    /// Distinct networks evaluated until the best was found.
    evaluations: usize,
    front: Vec<NetworkRow>,
    best: Option<NetworkRow>,
    /// The best networks, trained in full.
    finalists: Vec<FinalistRow>,
    /// The references trained in full beside them.
    finalist_references: Vec<FinalistRow>,
    references: Vec<ReferenceRow>,
    /// Share of the box that the hypervolume's reference point bounds, 0 to 1.
    hypervolume: Option<f64>,
    hypervolume_reference: Option<VolumeBound>,
    /// The predicted ImageNet front of the training demo.
    #[serde(skip_serializing_if = "Option::is_none")]
    predicted: Option<predicted::Document>,
}

/// The point that bounds the hypervolume.
#[derive(Serialize)]
struct VolumeBound {
    accuracy: f64,
    metric: String,
    value: f64,
}

impl From<FrontVolume> for VolumeBound {
    fn from(volume: FrontVolume) -> Self {
        Self {
            accuracy: 0.0,
            metric: metric_with_unit(volume.metric),
            value: volume.size,
        }
    }
}

fn metric_with_unit(metric: Metric) -> String {
    match metric {
        Metric::Latency(_) => "latency_ms".to_owned(),
        other => other.to_string(),
    }
}

#[derive(Serialize)]
struct NetworkRow {
    id: String,
    architecture: String,
    accuracy: Option<f64>,
    accuracy_kind: &'static str,
    /// Rank among networks, where there is no accuracy.
    score: Option<f64>,
    /// Epochs behind the accuracy.
    epochs: Option<u32>,
    latency_ms: Option<f64>,
    measured_ms: Option<f64>,
    params: u64,
    macs: u64,
}

/// A network of a study whose accuracies are of this kind.
fn network_row(row: &ReportRow, accuracy_kind: &'static str) -> NetworkRow {
    NetworkRow {
        id: row.id.clone(),
        architecture: row.architecture.clone(),
        accuracy: row.accuracy.filter(|_| !row.is_score),
        score: row.accuracy.filter(|_| row.is_score),
        accuracy_kind,
        epochs: row.epochs,
        latency_ms: row.latency_ms,
        measured_ms: row.measured_ms,
        params: row.params,
        macs: row.macs,
    }
}

/// A study that has ended, with its outcome.
#[derive(Clone, Copy)]
pub(super) struct Conclusion<'a> {
    pub study: &'a Study,
    pub shown: &'a Outcome,
    pub best: &'a BestFiles,
    /// The predicted ImageNet front of the training demo.
    pub predicted: Option<&'a PredictedOutcome>,
}

pub(super) fn conclude(
    arguments: &SearchArguments,
    printer: &Printer,
    conclusion: Conclusion<'_>,
    paths: &[PathBuf],
) -> Result<(), CliError> {
    let Conclusion {
        study,
        shown,
        best,
        predicted,
    } = conclusion;
    for path in paths {
        printer.status(&format!("wrote {}", path.display()));
    }
    report_best_files(printer, study, shown, best);
    warn_of_int8(printer, shown);
    if arguments.json {
        return Ok(printer.json(&document(study, shown, predicted))?);
    }
    show_tables(printer, study, shown)?;
    show_best(printer, study, shown)
}

/// Reports the files written of the best network.
fn report_best_files(printer: &Printer, study: &Study, shown: &Outcome, best: &BestFiles) {
    let (config, folder) = (study.config(), study.folder());
    match best {
        BestFiles::Written {
            difference,
            without_int8,
        } => {
            let checked = match difference {
                Some(difference) => format!("ONNX Runtime agrees with libtorch within {difference:.1e}"),
                None => "not checked, ONNX Runtime is not installed".to_owned(),
            };
            printer.status(&format!(
                "wrote {} (architecture, weights, ONNX, TFLite, model card; {checked})",
                folder.best().display()
            ));
            if let Some(reason) = without_int8 {
                printer.warning(&format!("no TFLite file in int8 was written: {reason}"));
            }
            let is_final = final_winner(shown).is_some();
            if !is_final && config.training().is_some_and(|training| !training.proxy.is_direct()) {
                printer.status(&format!(
                    "its weights come from the proxy; train it in full as deployed, with the next best beside it: \
                     mnas search --resume --out {} --finalists 3",
                    folder.root().display()
                ));
            }
        }
        BestFiles::ArchitectureOnly => printer.status(&format!("wrote {} (architecture)", folder.best().display())),
        BestFiles::WithoutWeights => {
            printer.warning("the best network's weights are missing; train it with mnas train");
        }
        BestFiles::None => printer.warning("no evaluated network keeps the constraints"),
    }
}

/// Warns of networks trained in full that lose more than a point in 8-bit integers.
fn warn_of_int8(printer: &Printer, shown: &Outcome) {
    let rows = shown.finals.iter().flat_map(|finals| &finals.rows);
    for row in rows.filter(|row| row.loses_in_int8()) {
        if let (Some(loss), Some(int8)) = (row.int8_loss(), row.int8_top1) {
            printer.warning(&format!(
                "{} loses {loss:.1} points in int8: {} after calibration",
                row.name,
                units::percent(int8)
            ));
        }
    }
}

fn document(study: &Study, shown: &Outcome, predicted: Option<&PredictedOutcome>) -> Document {
    let front = shown.rows.iter().filter(|row| row.on_front);
    // The hypervolume is defined for accuracies only.
    let volume = shown.volume.filter(|_| study.config().scoring().is_none());
    let of_role = |role: FinalRole| {
        let rows = shown.finals.iter().flat_map(|finals| &finals.rows);
        rows.filter(|row| row.role == role).cloned().collect()
    };
    let kind = match study.config().training() {
        Some(_) => "trial, validation top-1",
        None => "recorded top-1",
    };
    Document {
        study: study.folder().root().to_path_buf(),
        trials: shown.rows.iter().filter(|row| row.trial.is_some()).count(),
        evaluations: shown.evaluations,
        front: front.map(|row| network_row(row, kind)).collect(),
        best: shown.winner().map(|index| network_row(&shown.rows[index], kind)),
        finalists: of_role(FinalRole::Finalist),
        finalist_references: of_role(FinalRole::Reference),
        references: shown.references.clone(),
        hypervolume: volume.map(|volume| volume.share),
        hypervolume_reference: volume.map(VolumeBound::from),
        predicted: predicted.map(|outcome| predicted::document(beside::folder(study.folder()), outcome)),
    }
}

/// The front of the trials, the references beside it, and the networks trained in full.
fn show_tables(printer: &Printer, study: &Study, shown: &Outcome) -> Result<(), CliError> {
    let options = printer.table_options();
    printer.result(&closing_table(&shown.rows, options))?;
    let images = study.state().data().map(|data| (data.train, data.val));
    printer.result(&study.config().fidelity(images))?;
    if !shown.references.is_empty() {
        let table = references_table(&shown.references, options.width);
        printer.result(&format!("\nCandidates beside the references:\n{table}"))?;
    }
    let has_scores = study.config().scoring().is_some();
    if let Some(volume) = shown.volume.filter(|_| !has_scores) {
        printer.result(&volume_line(&volume))?;
    }
    if let Some(finals) = &shown.finals {
        printer.result(&finals_text(finals, options.width))?;
    } else if finals_are_wanted(study) {
        printer.result("no network was trained in full: none keeps the constraints")?;
    }
    Ok(())
}

fn finals_are_wanted(study: &Study) -> bool {
    let finals = study.config().training().and_then(|training| training.finals.as_ref());
    finals.is_some_and(|finals| finals.count > 0)
}

fn show_best(printer: &Printer, study: &Study, shown: &Outcome) -> Result<(), CliError> {
    let Some(row) = shown.winner().map(|index| &shown.rows[index]) else {
        return Ok(());
    };
    let final_accuracy = final_winner(shown).map_or_else(String::new, |row| {
        let split = if row.test_top1.is_some() { "test" } else { "validation" };
        let accuracy = row.final_top1().map_or_else(String::new, units::percent);
        format!("; trained in full: {accuracy} of the {split} images")
    });
    printer.result(&format!(
        "best{}: {}{final_accuracy}\n{}",
        bounds(study),
        figures(row),
        row.architecture
    ))?;
    if row.is_score {
        printer.result(
            "scores rank networks and are not accuracies: train the best with mnas train, and measure how well they rank \
             with mnas proxy-report",
        )?;
    }
    if row.kind == RowKind::Reference {
        printer.result(&format!(
            "no candidate is more accurate within the budget than this reference; to try more candidates: \
             mnas search --out {} --resume --trials {}",
            study.folder().root().display(),
            2 * study.config().trials
        ))?;
    }
    Ok(())
}

/// The best network trained in full.
fn final_winner(shown: &Outcome) -> Option<&FinalistRow> {
    let finals = shown.finals.as_ref()?;
    finals.best.map(|best| &finals.rows[best])
}

/// ` under 20ms on host`, or nothing where there is no budget.
fn bounds(study: &Study) -> String {
    let budgets: Vec<String> = study
        .config()
        .devices
        .iter()
        .filter_map(|device| Some((device.budget?, &device.name)))
        .map(|(budget, name)| match study.config().devices.len() {
            1 => budget.to_string(),
            _ => format!("{budget} on {name}"),
        })
        .collect();
    if budgets.is_empty() {
        return String::new();
    }
    match study.config().reward {
        Some(reward) => format!(" by accuracy x (latency / {})^w, w = {reward}", budgets.join(" and ")),
        None => format!(" under {}", budgets.join(" and ")),
    }
}

/// Name, accuracy and latency of a network.
fn figures(row: &ReportRow) -> String {
    let accuracy = row.accuracy_text().unwrap_or_default();
    let Some(latency) = row.decisive_latency_ms().map(units::milliseconds) else {
        return format!("{} with {accuracy} at {} MAdds", row.label(), units::count(row.macs));
    };
    let origin = if row.measured_ms.is_none() {
        " (predicted, not measured)"
    } else {
        ""
    };
    format!("{} with {accuracy} at {latency}{origin}", row.label())
}

/// The front of final accuracies: networks trained in full.
fn finals_text(finals: &FinalOutcome, width: Option<u16>) -> String {
    let origin = if finals.has_test {
        "Test images were never read by the search; the best is chosen on validation images."
    } else {
        "The data set has no test split: accuracies are of the validation images that the search compared networks on."
    };
    format!(
        "\nTrained in full ({}):\n{}\n{origin}\n",
        finals.spent,
        finalists_table(&finals.rows, width)
    )
}

/// `hypervolume of the candidates: 0.412 of the box between 100 % and the reference point (0 %, 20.0 ms)`
fn volume_line(volume: &FrontVolume) -> String {
    format!(
        "hypervolume of the candidates: {:.4} of the box up to the reference point at 0 % and {}",
        volume.share,
        Quantity(volume.metric, volume.size)
    )
}

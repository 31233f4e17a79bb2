//! The predicted ImageNet front beside the training demo: shown before it, drawn with it.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use mnas_engine::imagenet::FrontOptions;
use mnas_engine::problem::{Problem, TargetDevice};
use mnas_engine::study::Study;
use mnas_latency::{LatencyError, LatencyModel};

use super::super::error::CliError;
use super::predicted::{self, CLASSES};
use crate::predicted::{Form, PredictedOutcome, outcome_text, overview, write_files};
use crate::report::{Printer, ReportError, write_figure};
use crate::study::Outcome;

/// Number of candidates to evaluate, which takes a few seconds.
const CANDIDATES: u64 = 2_000_000;

/// Number of candidates evaluated to find whether a space has networks with a prediction.
const FIRST: u64 = 2_000;

/// Folder of the predictions in a study.
const FOLDER: &str = "predicted";

/// Searches the predicted ImageNet front of a study's space on its devices, prints it, and writes it beside the study.
///
/// `None` where the study has no device, or its space no network with a prediction, and when cancelled.
pub fn predict(
    study: &Study,
    printer: &Printer,
    json: bool,
    cancel: &AtomicBool,
) -> Result<Option<PredictedOutcome>, CliError> {
    let config = study.config();
    let Some(device) = config.devices.first() else {
        return Ok(None);
    };
    let problem = problem(study)?;
    let options = |candidates| FrontOptions {
        candidates,
        seed: config.seed,
    };
    if !predicted::has_predictions(&problem, options(FIRST)) {
        printer.status("no predicted ImageNet front: the networks of this space are unlike the published ones");
        return Ok(None);
    }
    let found = predicted::search(&problem, device.runtime.clone(), options(CANDIDATES), printer, cancel)?;
    let Some(outcome) = found else {
        return Ok(None);
    };
    let folder = study.folder().root().join(FOLDER);
    for path in write_files(&folder, &outcome)? {
        printer.status(&format!("wrote {}", path.display()));
    }
    if !json {
        printer.result(&outcome_text(&outcome, printer.table_options().width))?;
        printer
            .result("\nThe training demo follows: synthetic images, whose accuracies mean nothing beyond the demo.")?;
    }
    Ok(Some(outcome))
}

/// The study's problem with ImageNet's classes.
fn problem(study: &Study) -> Result<Problem, LatencyError> {
    let (config, folder) = (study.config(), study.folder());
    let devices = config.devices.iter().enumerate().map(|(index, device)| {
        Ok(TargetDevice {
            name: device.name.clone(),
            latency: LatencyModel::load(&folder.latency_table(index))?,
            budget: device.budget,
        })
    });
    Ok(Problem::new(
        study.problem().space.clone(),
        CLASSES,
        devices.collect::<Result<Vec<_>, LatencyError>>()?,
        study.problem().objectives.clone(),
        config.limits.constraints(),
    ))
}

/// Returns true if predictions lie beside a study.
pub fn is_written(study: &Study) -> bool {
    study.folder().root().join(FOLDER).is_dir()
}

/// Draws both fronts as `overview.svg` and `overview.png` in the study's folder.
pub fn draw(study: &Study, outcome: &PredictedOutcome, shown: &Outcome) -> Result<[PathBuf; 2], CliError> {
    let figure = overview(outcome, (&shown.rows, &shown.plot), Form::Wide);
    let svg = figure.draw().map_err(ReportError::from)?;
    Ok(write_figure(study.folder().root(), "overview", &svg)?)
}

//! `mnas search`: `arguments` and `choices` read the flags and the configuration file, `resolve` turns them into `settings`, `setup`
//! creates a study from these or opens one, for which `resumed` compares the choices, `automatic` plans its time, `workers` starts its
//! workers; this file runs it, and `conclude` shows the outcome. `predicted` is the search of predicted ImageNet accuracies, which
//! creates no study.

mod arguments;
mod automatic;
pub(in crate::cli) mod beside;
mod choices;
mod conclude;
mod course;
mod events;
pub(in crate::cli) mod feasibility;
mod finals;
mod images;
mod int8;
mod live;
mod placement;
pub mod predicted;
mod pretrained;
mod progress;
mod recipes;
mod resolve;
mod resumed;
mod scoring;
mod settings;
mod setup;
mod signals;
mod sketch;
mod values;
mod watch;
mod workers;

pub use arguments::SearchArguments;

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mnas_engine::files;
use mnas_engine::study::{RunOptions, StopReason, Study, StudyFolder};
use mnas_latency::ProfileOptions;

use super::cancel_flag;
use super::device::{OpenDevice, litert, onnx_runtime};
use super::error::CliError;
use super::profile::ProfileProgress;
use crate::export::{ExportError, ExportNetwork};
use crate::report::Printer;
use crate::study::{BestFiles, MeasuredWinners, Outcome, measure_winners, outcome, redraw, write_best};
use crate::worker_client::WorkerError;
use choices::Choices;
use events::{EventLog, measured_on};
use setup::Prepared;
use values::EvaluatorName;
use watch::Watch;

pub fn run(arguments: &SearchArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    let choices = Choices::of(arguments)?;
    pretrained::refuse_contradictions(&choices)?;
    if choices.evaluator == Some(EvaluatorName::Imagenet) {
        return predicted::run(arguments, &choices, printer, &cancel);
    }
    let mut events = EventLog::open(arguments.events.as_deref(), printer)?;
    let prepared = if arguments.resume {
        setup::resume(arguments, printer, &cancel)?
    } else {
        setup::begin(arguments, printer, &cancel)?
    };
    let Some(Prepared {
        mut study,
        mut evaluator,
        data,
        time,
    }) = prepared
    else {
        return Ok(());
    };
    study.begin_session(std::env::args().collect())?;
    if let Some(data) = &data {
        study.check_data(data)?;
    }
    let is_first = data.as_ref().is_some_and(|data| data.demo) && choices.data.is_none();
    let predicted = if is_first && (!arguments.resume || beside::is_written(study.folder())) {
        beside::predict((&study).into(), printer, &cancel)?
    } else {
        None
    };
    if let Some(predicted) = predicted.as_ref().filter(|_| !arguments.json) {
        beside::show(predicted, printer)?;
    }
    let references = study.config().reference_points(&study.problem().space);
    let total = study.config().trials + references + study.state().counts().imported;
    events.opened(&study, total);
    let mut watch = Watch::new(printer, &study, total, &mut events);
    let options = RunOptions {
        deadline: time.map(|time| Instant::now() + time),
        cancel: &cancel,
    };
    let stop = study.run(evaluator.as_mut(), options, &mut watch)?;
    watch.finish(&format!("{} trials settled", study.state().counts().settled));
    drop(evaluator);
    events.trials_ended(&stop, study.state().counts().settled);
    match &stop {
        StopReason::Cancelled => {
            events.interrupted();
            redraw(study.folder(), &outcome(study.config(), study.problem(), study.state()))?;
            return Err(interrupted(study.folder()));
        }
        StopReason::Exhausted(refusals) => {
            printer.warning(&format!(
                "no further network that keeps the constraints was found: {refusals}"
            ));
        }
        StopReason::Complete | StopReason::Deadline => {}
    }
    let measured = measure(&mut study, arguments, printer, &cancel, &mut events)?;
    let measured = measured && finals::train(&mut study, &choices, printer, &cancel, &mut events)?;
    let measured = measured && int8::evaluate(&mut study, printer, &cancel)?;
    // A worker that was killed while it wrote weights leaves a part of them.
    files::remove_partial_files(study.folder().root());
    let shown = outcome(study.config(), study.problem(), study.state());
    let mut paths = redraw(study.folder(), &shown)?;
    if let Some(predicted) = &predicted {
        paths.extend(beside::draw(study.folder(), predicted, &shown)?);
    }
    if !measured {
        events.interrupted();
        return Err(interrupted(study.folder()));
    }
    let best = write_best_files(&study, &shown, printer, &cancel)?;
    events.finished(shown.winner().and_then(|index| shown.rows[index].trial));
    let result = conclude::Conclusion {
        study: &study,
        shown: &shown,
        best: &best,
        predicted: predicted.as_ref(),
    };
    conclude::conclude(arguments, printer, result, &paths)
}

fn interrupted(folder: &StudyFolder) -> CliError {
    CliError::interrupted("interrupted; every finished trial is saved").with_help(format!(
        "continue with: mnas search --resume --out {}",
        folder.root().display()
    ))
}

/// Writes the files of the best network; a second time if the process that computes libtorch's scores was lost on the way.
fn write_best_files(
    study: &Study,
    shown: &Outcome,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<BestFiles, ExportError> {
    let images = |network: &ExportNetwork| {
        int8::calibration_images(study, network, printer, cancel).map_err(|error| error.to_string())
    };
    let write = || {
        write_best(
            (study.folder(), study.config(), study.state()),
            shown,
            // Without them the study ends with its files unchecked.
            (onnx_runtime().ok().flatten(), litert().ok().flatten()),
            &images,
        )
    };
    match write() {
        Err(ExportError::Worker(WorkerError::Pipe(_))) => write(),
        written => written,
    }
}

/// Reports the agreement of predictions and measurements of the winners.
fn report_measurements(found: &MeasuredWinners, device: &str, printer: &Printer) {
    if found.networks == 0 {
        return;
    }
    let over = match found.over_budget {
        0 => "none breaks the budget".to_owned(),
        1 => "1 breaks the budget and gives way to the next best".to_owned(),
        count => format!("{count} break the budget and give way to the next best"),
    };
    printer.status(&format!(
        "{} network{} measured whole on {device}: predictions were off by {:.1} % on average, {over}; they are added to its table",
        found.networks,
        if found.networks == 1 { "" } else { "s" },
        100.0 * found.mean_error
    ));
}

/// Measures the winners whole on every device; false when cancelled. A table that no longer holds for this machine is a warning:
/// the study then keeps its predictions.
fn measure(
    study: &mut Study,
    arguments: &SearchArguments,
    printer: &Printer,
    cancel: &AtomicBool,
    events: &mut EventLog,
) -> Result<bool, CliError> {
    for index in 0..study.config().devices.len() {
        let name = study.config().devices[index].name.clone();
        let opened = OpenDevice::open(&name, &arguments.tables.tables).and_then(|mut opened| {
            let table = opened.table(&ProfileOptions::quick().measure)?;
            Ok((opened, table))
        });
        let (mut opened, mut table) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                printer.warning(&format!("winners are not measured on {name}: {error}"));
                continue;
            }
        };
        if let Err(error) = table.measurable() {
            printer.warning(&format!(
                "winners are not measured, their latencies are predicted: {error}"
            ));
            continue;
        }
        let mut bars = ProfileProgress::new(printer);
        let mut observer = |event: mnas_latency::ProfileEvent<'_>| bars.on_event(&event);
        let runtime = opened.runtime.as_mut();
        let best = finals::count(study).max(1);
        let trials = study.state().trials();
        let before: Vec<Option<f64>> = trials.iter().map(|trial| measured_on(trial, index)).collect();
        let found = measure_winners(study, (index, best), &mut table, runtime, cancel, &mut observer)?;
        bars.finish();
        events.measured(study, index, &before);
        report_measurements(&found, &name, printer);
        if !found.complete {
            return Ok(false);
        }
    }
    Ok(true)
}

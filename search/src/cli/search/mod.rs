//! `mnas search`: `settings` says what is asked for, `setup` makes a study of it or opens one, this file runs it, `conclude`
//! shows what came out.

mod conclude;
mod placement;
mod progress;
mod settings;
mod setup;

pub use settings::SearchArguments;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mnas_latency::ProfileOptions;
use mnas_space::SearchSpace;

use super::cancel_flag;
use super::device::{OpenDevice, checking_runtime};
use super::error::CliError;
use super::profile::ProfileProgress;
use crate::report::Printer;
use crate::study::{measure_winners, outcome, redraw, write_best};
use mnas_engine::study::{
    Coordinator, Ended, Event, Journal, LatencyModel, StudyConfig, StudyError, StudyFolder, StudyState,
};
use mnas_engine::worker::{Pool, Ready};
use progress::SearchProgress;

pub fn run(arguments: &SearchArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    let study = if arguments.resume {
        setup::resume(arguments, printer, &cancel)?
    } else {
        setup::begin(arguments, printer, &cancel)?
    };
    let Some(study) = study else { return Ok(()) };
    study.run(arguments, printer, &cancel)
}

/// A study that is ready to run: everything it follows from is on disk.
struct Study {
    folder: StudyFolder,
    /// Held while this process works on the study.
    _lock: std::fs::File,
    config: StudyConfig,
    space: SearchSpace,
    latency: LatencyModel,
    pool: Pool,
    ready: Ready,
    workers: usize,
}

impl Study {
    fn run(mut self, arguments: &SearchArguments, printer: &Printer, cancel: &AtomicBool) -> Result<(), CliError> {
        let (mut journal, events) = Journal::open(&self.folder.journal())?;
        let mut state = StudyState::replay(&events).map_err(|problem| StudyError::Contradiction {
            path: self.folder.journal(),
            problem,
        })?;
        self.check_data(&mut journal, &mut state)?;
        self.pool.grow(self.workers).map_err(StudyError::Pool)?;
        let settled = state.trials.values().filter(|trial| trial.is_settled()).count();
        let references = self.config.references.per_network * self.space.references.len();
        let mut progress = SearchProgress::new(printer, settled, self.config.trials + references);
        let coordinator = Coordinator {
            config: &self.config,
            space: &self.space,
            folder: &self.folder,
            latency: &self.latency,
            classes: self.ready.classes.len() as u32,
            deadline: arguments.time.map(|time| Instant::now() + time),
            cancel,
        };
        let report = coordinator.run(&mut journal, &mut state, &mut self.pool, &mut |event| {
            progress.hear(&event);
        })?;
        progress.finish(&format!(
            "{} trials settled",
            state.trials.values().filter(|trial| trial.is_settled()).count()
        ));
        drop(self.pool);
        if report.ended == Ended::Interrupted {
            redraw(&self.folder, &outcome(&self.config, &state))?;
            return Err(interrupted(&self.folder));
        }
        if report.ended == Ended::Exhausted {
            printer.warning("no further network within the budget was found; the space is used up");
        }
        let measured = measure(
            &self.config,
            &mut state,
            &mut journal,
            &arguments.tables.tables,
            printer,
            cancel,
        )?;
        let shown = outcome(&self.config, &state);
        let paths = redraw(&self.folder, &shown)?;
        if !measured {
            return Err(interrupted(&self.folder));
        }
        let best = write_best(&self.folder, &state, &shown, checking_runtime().as_ref())?;
        conclude::conclude(arguments, printer, &self.config, &self.folder, &shown, &best, &paths)
    }

    /// Notes what was loaded, or compares it with what the study began with.
    fn check_data(&self, journal: &mut Journal, state: &mut StudyState) -> Result<(), CliError> {
        match &state.data {
            None => {
                let event = Event::Data(Box::new(self.ready.clone()));
                journal.append(&event)?;
                state.data = Some(self.ready.clone());
                Ok(())
            }
            Some(before) => {
                let facts = |ready: &Ready| (ready.classes.clone(), ready.train, ready.val);
                if facts(before) == facts(&self.ready) {
                    return Ok(());
                }
                let (before, now) = (before.description.clone(), self.ready.description.clone());
                Err(StudyError::DataChanged { before, now }.into())
            }
        }
    }
}

fn interrupted(folder: &StudyFolder) -> CliError {
    CliError::interrupted("interrupted; every finished trial is saved").with_help(format!(
        "go on with: mnas search --resume --out {}",
        folder.root().display()
    ))
}

/// Measures the winners whole; false when cancelled. A device that is not this machine's table any more is a warning:
/// the study stands, on predictions.
fn measure(
    config: &StudyConfig,
    state: &mut StudyState,
    journal: &mut Journal,
    tables: &Path,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<bool, CliError> {
    let opened = OpenDevice::open(&config.device, tables).and_then(|mut opened| {
        let table = opened.table(&ProfileOptions::quick().measure)?;
        Ok((opened, table))
    });
    let (mut opened, mut table) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            printer.warning(&format!("winners are not measured: {error}"));
            return Ok(true);
        }
    };
    if let Err(error) = table.measurable() {
        printer.warning(&format!(
            "winners are not measured, their latencies are predicted: {error}"
        ));
        return Ok(true);
    }
    let mut bars = ProfileProgress::new(printer);
    let hear = &mut |event: mnas_latency::ProfileEvent<'_>| bars.hear(&event);
    let complete = measure_winners(
        config,
        state,
        journal,
        &mut table,
        opened.runtime.as_mut(),
        cancel,
        hear,
    )?;
    bars.finish();
    Ok(complete)
}

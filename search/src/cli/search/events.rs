//! Events of a running search for programs: JSON lines, written as they happen.
//!
//! `configs/README.md` documents every event with its fields and units.

mod event;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use mnas_engine::study::{FinalsEvent, StopReason, Study, StudyEvent, Trial, TrialKind, TrialOutcome};
use serde::Serialize;

use super::super::error::CliError;
use super::course::Course;
use crate::report::Printer;
use event::{Deployment, Event, FrontNetwork};

/// Writes events to a file, to a pipe, to stderr, or nowhere.
pub struct EventLog {
    sink: Option<Box<dyn Write>>,
    printer: Printer,
    /// Epochs of the recipe, where trials are trainings.
    epochs: Option<u32>,
    /// Epochs done and in all of the trials under way.
    running: BTreeMap<u64, (u32, u32)>,
}

/// A line: the time, the event's name and its fields.
#[derive(Serialize)]
struct Line<'a> {
    /// Milliseconds since 1970.
    at_ms: u64,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

impl EventLog {
    /// Opens the file or pipe, to which lines are appended; `-` is stderr.
    pub fn open(path: Option<&Path>, printer: &Printer) -> Result<Self, CliError> {
        let sink: Option<Box<dyn Write>> = match path {
            None => None,
            Some(path) if path == Path::new("-") => Some(Box::new(printer.log_writer())),
            Some(path) => {
                let file = File::options().create(true).append(true).open(path);
                let file = file.map_err(|error| {
                    CliError::failure(format!("{}: cannot be written: {error}", path.display()))
                        .with_help("give --events a file in a folder that exists, or - for stderr")
                })?;
                Some(Box::new(file))
            }
        };
        Ok(Self {
            sink,
            printer: printer.clone(),
            epochs: None,
            running: BTreeMap::new(),
        })
    }

    /// Writes an event. A reader that is gone costs the later events and not the search.
    fn write(&mut self, event: &Event<'_>) {
        let Some(sink) = &mut self.sink else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = Line {
            at_ms: now.as_millis() as u64,
            event,
        };
        let written = serde_json::to_string(&line)
            .map_err(std::io::Error::other)
            .and_then(|line| {
                sink.write_all(format!("{line}\n").as_bytes())
                    .and_then(|()| sink.flush())
            });
        if let Err(error) = written {
            self.sink = None;
            self.printer.warning(&format!(
                "events cannot be written any more, the search goes on: {error}"
            ));
        }
    }

    /// Writes what the study is and what will be done.
    pub fn opened(&mut self, study: &Study, total: usize) {
        let config = study.config();
        self.epochs = config.training().map(|training| training.recipe.epochs);
        let counts = study.state().counts();
        self.write(&Event::StudyOpened {
            study: study.folder().root(),
            name: &config.name,
            space: &study.problem().space.name,
            strategy: config.strategy.name(),
            seed: config.seed,
            objectives: &config.objectives,
            devices: config.devices.iter().map(Deployment::of).collect(),
        });
        self.write(&Event::Plan {
            trials: total,
            settled: counts.settled,
            candidates: config.trials,
            imported: counts.imported,
            epochs: self.epochs,
            workers: config.workers.iter().map(|worker| worker.count).sum(),
            finalists: super::finals::count(study),
        });
    }

    /// Writes an event of the trials, and what follows from it.
    pub fn on_study_event(&mut self, event: &StudyEvent<'_>, course: &Course) {
        match event {
            StudyEvent::Started { trial } => self.started(trial),
            StudyEvent::Progress { trial, done } => self.progressed(*trial, *done, course),
            StudyEvent::Settled { trial, .. } => self.settled(trial, course),
            StudyEvent::Notice { message } => self.write(&Event::Notice { message }),
        }
    }

    fn started(&mut self, trial: &Trial) {
        let epochs = self.epochs.map(|full| trial.fidelity.epochs(full));
        if trial.attempts <= 1 {
            self.write(&Event::proposed(trial, epochs));
        }
        if let Some(epochs) = epochs {
            self.running.insert(trial.number, (0, epochs));
        }
        self.write(&Event::TrialStarted {
            trial: trial.number,
            attempt: trial.attempts,
        });
    }

    /// Writes an epoch that is done.
    fn progressed(&mut self, trial: u64, done: f64, course: &Course) {
        let Some((before, epochs)) = self.running.get_mut(&trial) else {
            return;
        };
        let epochs = *epochs;
        // Rounding must not hide the end of an epoch.
        let epoch = (done * f64::from(epochs) + 1e-6).floor() as u32;
        if epoch <= *before {
            return;
        }
        *before = epoch;
        self.write(&Event::TrialEpoch {
            trial,
            epoch,
            epochs,
            done_share: course.share(),
            left_s: course.left.map(|time| time.as_secs()),
        });
    }

    fn settled(&mut self, trial: &Trial, course: &Course) {
        self.running.remove(&trial.number);
        let left_s = course.left.map(|time| time.as_secs());
        match &trial.outcome {
            TrialOutcome::Finished(result) => self.write(&Event::TrialFinished {
                trial: trial.number,
                accuracy: (!course.has_scores).then_some(result.accuracy),
                score: course.has_scores.then_some(result.accuracy),
                seconds: result.seconds,
                worker: &trial.worker,
                settled: course.settled,
                trials: course.total,
                left_s,
            }),
            TrialOutcome::Failed { reason } => self.write(&Event::TrialFailed {
                trial: trial.number,
                reason,
                settled: course.settled,
                trials: course.total,
                left_s,
            }),
            TrialOutcome::Pending => {}
        }
        if course.front_changed {
            let live = &course.live;
            let network = |point| FrontNetwork::of(point, live.metric(), course.has_scores);
            self.write(&Event::FrontChanged {
                front: live.front().into_iter().map(network).collect(),
                best: live.best().map(network),
                hypervolume: live.hypervolume(),
            });
        }
    }

    /// Writes the latencies of a device that were measured since `before`, which holds those of every trial.
    pub fn measured(&mut self, study: &Study, device: usize, before: &[Option<f64>]) {
        for (trial, before) in study.state().trials().iter().zip(before) {
            let found = measured_on(trial, device);
            if let (Some(latency_ms), true) = (found, found != *before) {
                self.write(&Event::Measured {
                    trial: trial.number,
                    device: &study.config().devices[device].name,
                    latency_ms,
                    predicted_ms: trial.costs.latency.get(device).map(|found| found.latency.0),
                });
            }
        }
    }

    /// Writes the networks that are chosen to be trained to the end.
    pub fn finalists(&mut self, trials: Vec<u64>, epochs: u32) {
        self.write(&Event::Finalists { trials, epochs });
    }

    /// Writes an event of the final trainings.
    pub fn on_finals_event(&mut self, event: &FinalsEvent<'_>) {
        match event {
            FinalsEvent::Started { finalist } => self.write(&Event::FinalStarted { trial: finalist.trial }),
            FinalsEvent::Settled { finalist } => {
                let reason = match &finalist.outcome {
                    TrialOutcome::Failed { reason } => Some(reason.as_str()),
                    _ => None,
                };
                self.write(&Event::FinalFinished {
                    trial: finalist.trial,
                    val_top1: finalist.val_top1(),
                    test_top1: finalist.test_top1(),
                    failed: reason,
                });
            }
            FinalsEvent::Notice { message } => self.write(&Event::Notice { message }),
            FinalsEvent::Progress { .. } => {}
        }
    }

    /// Writes the reason why the trials ended.
    pub fn trials_ended(&mut self, reason: &StopReason, settled: usize) {
        let reason = match reason {
            StopReason::Complete => "complete",
            StopReason::Exhausted(_) => "exhausted",
            StopReason::Deadline => "deadline",
            StopReason::Cancelled => "cancelled",
        };
        self.write(&Event::TrialsEnded { reason, settled });
    }

    /// Writes the end of the search with the best network's trial.
    pub fn finished(&mut self, best: Option<u64>) {
        self.write(&Event::Finished { best });
    }

    /// Writes that the search was interrupted, with everything saved.
    pub fn interrupted(&mut self) {
        self.write(&Event::Interrupted);
    }
}

/// Latency of a trial's network as measured on a device.
pub fn measured_on(trial: &Trial, device: usize) -> Option<f64> {
    trial.measured_ms.get(device).copied().flatten()
}

/// The kind of a trial and, of a reference, its name.
fn kind_of(trial: &Trial) -> (&'static str, Option<&str>) {
    match &trial.kind {
        TrialKind::Candidate => ("candidate", None),
        TrialKind::Imported { .. } => ("imported", None),
        TrialKind::Reference { name, .. } => ("reference", Some(name)),
    }
}

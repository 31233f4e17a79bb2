//! Progress of a running search on stderr.

use std::collections::BTreeMap;

use mnas_engine::problem::{Metric, Quantity};
use mnas_engine::study::{Observer, StudyEvent, Trial, TrialKind, TrialOutcome};

use crate::report::{Printer, Progress, units};

/// One bar over all trials, and a line for each that is settled.
pub struct SearchProgress<'a> {
    printer: &'a Printer,
    bar: Progress,
    settled: usize,
    running: BTreeMap<u64, f64>,
    /// True if trials have scores in place of accuracies.
    has_scores: bool,
}

/// Steps of the bar for one trial.
const STEPS: f64 = 100.0;

/// Share of a training's time spent waiting for images above which it is shown.
const NOTED_WAIT: f64 = 0.05;

impl<'a> SearchProgress<'a> {
    pub fn new(printer: &'a Printer, settled: usize, total: usize) -> Self {
        let bar = printer.progress("training", (total as f64 * STEPS) as u64);
        let progress = Self {
            printer,
            bar,
            settled,
            running: BTreeMap::new(),
            has_scores: false,
        };
        progress.show();
        progress
    }

    /// Names the results of trials scores where they are no accuracies.
    pub fn with_scores(self, has_scores: bool) -> Self {
        Self { has_scores, ..self }
    }

    fn show(&self) {
        let done = self.settled as f64 + self.running.values().sum::<f64>();
        self.bar.set((STEPS * done) as u64);
        let running: Vec<String> = self.running.keys().map(|trial| format!("#{trial}")).collect();
        self.bar.message(&format!("running {}", running.join(" ")));
    }

    pub fn finish(self, summary: &str) {
        self.bar.finish(summary);
    }
}

impl Observer for SearchProgress<'_> {
    fn on_event(&mut self, event: &StudyEvent<'_>) {
        match event {
            StudyEvent::Started { trial } => {
                self.running.insert(trial.number, 0.0);
            }
            StudyEvent::Progress { trial, done } => {
                self.running.insert(*trial, *done);
            }
            StudyEvent::Settled { trial, counts, total } => {
                self.running.remove(&trial.number);
                self.settled = counts.settled;
                self.bar.set_total((*total as f64 * STEPS) as u64);
                self.printer.status(&line(trial, self.settled, *total, self.has_scores));
            }
            StudyEvent::Notice { message } => self.printer.warning(message),
        }
        self.show();
    }
}

fn line(trial: &Trial, settled: usize, total: usize, has_scores: bool) -> String {
    let name = match &trial.kind {
        TrialKind::Candidate => format!("#{}", trial.number),
        TrialKind::Reference { title, width, .. } => format!("{title} {width:?}x {}", trial.architecture.resolution),
    };
    let metric = if trial.costs.latency.is_empty() {
        Metric::Macs
    } else {
        Metric::Latency(0)
    };
    let cost = Quantity(metric, trial.costs.value(metric).unwrap_or(f64::NAN));
    let outcome = match &trial.outcome {
        TrialOutcome::Finished(result) if has_scores => format!("{} at {cost}", units::score(result.accuracy)),
        TrialOutcome::Finished(result) => {
            let training = result.training.as_ref().map_or_else(String::new, |training| {
                let waiting = if training.data_wait_share > NOTED_WAIT {
                    format!(", {:.0} % of it waiting for data", 100.0 * training.data_wait_share)
                } else {
                    String::new()
                };
                format!(", trained in {:.0} s{waiting}", result.seconds)
            });
            format!("{:.1} % at {cost}{training}", result.accuracy)
        }
        TrialOutcome::Failed { reason } => format!("failed: {reason}"),
        TrialOutcome::Pending => "pending".to_owned(),
    };
    format!("[{settled}/{total}] {name}: {outcome}")
}

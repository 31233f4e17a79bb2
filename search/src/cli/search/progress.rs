//! What a running search shows on stderr.

use std::collections::BTreeMap;

use crate::report::{Printer, Progress};
use mnas_engine::study::{SearchEvent, Trial, TrialKind, TrialOutcome};

/// One bar over all trials, and a line for each that is settled.
pub struct SearchProgress<'a> {
    printer: &'a Printer,
    bar: Progress,
    settled: usize,
    running: BTreeMap<u64, f64>,
}

/// Steps of the bar for one trial.
const STEPS: f64 = 100.0;

/// A training that waited longer for its images, as a share of its time, is told.
const NOTED_WAIT: f64 = 0.05;

impl<'a> SearchProgress<'a> {
    pub fn new(printer: &'a Printer, settled: usize, total: usize) -> Self {
        let bar = printer.progress("training", (total as f64 * STEPS) as u64);
        let progress = Self {
            printer,
            bar,
            settled,
            running: BTreeMap::new(),
        };
        progress.show();
        progress
    }

    pub fn hear(&mut self, event: &SearchEvent<'_>) {
        match event {
            SearchEvent::Started { trial } => {
                self.running.insert(*trial, 0.0);
            }
            SearchEvent::Progress { trial, done } => {
                self.running.insert(*trial, *done);
            }
            SearchEvent::Settled {
                state,
                trial,
                settled,
                total,
            } => {
                self.running.remove(trial);
                self.settled = *settled;
                self.bar.set_total((*total as f64 * STEPS) as u64);
                self.printer.status(&line(&state.trials[trial], *settled, *total));
            }
            SearchEvent::WorkerDied { reason } => {
                self.printer
                    .warning(&format!("a worker died ({reason}); it is started again"));
            }
        }
        self.show();
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

fn line(trial: &Trial, settled: usize, total: usize) -> String {
    let name = match &trial.kind {
        TrialKind::Candidate => format!("#{}", trial.number),
        TrialKind::Reference { title, width, .. } => format!("{title} {width:?}x {}", trial.architecture.resolution),
    };
    let latency = crate::report::units::milliseconds(trial.latency_ms.0);
    let outcome = match &trial.outcome {
        TrialOutcome::Finished(result) => {
            let waiting = if result.data_wait_share > NOTED_WAIT {
                format!(", {:.0} % of it waiting for data", 100.0 * result.data_wait_share)
            } else {
                String::new()
            };
            format!(
                "{:.1} % at {latency}, trained in {:.0} s{waiting}",
                result.accuracy, result.seconds
            )
        }
        TrialOutcome::Failed { reason } => format!("failed: {reason}"),
        TrialOutcome::Pending => "pending".to_owned(),
    };
    format!("[{settled}/{total}] {name}: {outcome}")
}

//! Progress of a running search on stderr.

use std::collections::BTreeMap;

use mnas_engine::evaluator::Fidelity;
use mnas_engine::problem::{Metric, Quantity};
use mnas_engine::study::{Observer, Study, StudyEvent, Trial, TrialKind, TrialOutcome};

use super::super::clock::Clock;
use super::live::Live;
use crate::report::{Printer, Progress, units};

/// One bar over all trials, and a line for each that is settled.
pub struct SearchProgress<'a> {
    printer: &'a Printer,
    bar: Progress,
    settled: usize,
    failed: usize,
    total: usize,
    running: BTreeMap<u64, f64>,
    live: Live,
    clock: Clock,
    /// True if trials have scores in place of accuracies.
    has_scores: bool,
}

/// Share of a training's time spent waiting for images above which it is shown.
const NOTED_WAIT: f64 = 0.05;

impl<'a> SearchProgress<'a> {
    pub fn new(printer: &'a Printer, study: &Study, total: usize) -> Self {
        let has_scores = study.config().scoring().is_some();
        let mut live = Live::new(study.problem(), has_scores);
        for trial in study.state().trials() {
            live.add(trial);
        }
        let counts = study.state().counts();
        let mut progress = Self {
            printer,
            bar: printer.share("trials"),
            settled: counts.settled,
            failed: counts.failed,
            total,
            running: BTreeMap::new(),
            live,
            clock: Clock::default(),
            has_scores,
        };
        progress.show();
        progress
    }

    /// `7 of 24 done, 2 running, 1 failed; best 61.2 % at 8.4 ms, hypervolume 0.412; 3m 20s left`
    fn show(&mut self) {
        let done = self.settled as f64 + self.running.values().sum::<f64>();
        let share = done / self.total.max(1) as f64;
        let failed = match self.failed {
            0 => String::new(),
            count => format!(", {count} failed"),
        };
        let counts = format!(
            "{} of {} done, {} running{failed}",
            self.settled,
            self.total,
            self.running.len()
        );
        let parts = [counts, self.live.text(), format!("{} left", self.clock.left(share))];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.bar.message(&parts.join("; "));
        self.bar.set_share(share);
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
                self.failed = counts.failed;
                self.total = *total;
                self.live.add(trial);
                self.printer.status(&line(trial, self.settled, *total, self.has_scores));
            }
            StudyEvent::Notice { message } => self.printer.warning(message),
        }
        self.show();
    }
}

/// ` after 3 epochs`, where trainings of the study differ in length.
fn effort(trial: &Trial) -> String {
    match trial.fidelity {
        Fidelity::Epochs(1) => " after 1 epoch".to_owned(),
        Fidelity::Epochs(epochs) => format!(" after {epochs} epochs"),
        Fidelity::Full if trial.start_from.is_some() => " after all epochs".to_owned(),
        Fidelity::Full => String::new(),
    }
}

fn line(trial: &Trial, settled: usize, total: usize, has_scores: bool) -> String {
    let name = match &trial.kind {
        TrialKind::Candidate | TrialKind::Imported { .. } => format!("#{}", trial.number),
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
            format!("{:.1} %{} at {cost}{training}", result.accuracy, effort(trial))
        }
        TrialOutcome::Failed { reason } => format!("failed: {reason}"),
        TrialOutcome::Pending => "pending".to_owned(),
    };
    format!("[{settled}/{total}] {name}: {outcome}")
}

//! Progress of a running search on stderr.

use mnas_engine::evaluator::Fidelity;
use mnas_engine::problem::{Metric, Quantity};
use mnas_engine::study::{StudyEvent, Trial, TrialKind, TrialOutcome};

use super::super::clock::time_in_words;
use super::course::Course;
use crate::report::{Printer, Progress, units};

/// One bar over all trials with the front below it, and a line for each trial that is settled.
pub struct SearchProgress<'a> {
    printer: &'a Printer,
    bar: Progress,
}

/// Share of a training's time spent waiting for images above which it is shown.
const NOTED_WAIT: f64 = 0.05;

impl<'a> SearchProgress<'a> {
    pub fn new(printer: &'a Printer, course: &Course) -> Self {
        let progress = Self {
            printer,
            bar: printer.share("trials"),
        };
        progress.show(course);
        progress
    }

    /// Shows an event, and the course that it led to.
    pub fn on_event(&self, event: &StudyEvent<'_>, course: &Course) {
        match event {
            StudyEvent::Settled { trial, .. } => {
                let line = line(trial, course.settled, course.total, course.has_scores);
                self.printer.status(&line);
            }
            StudyEvent::Notice { message } => self.printer.warning(message),
            StudyEvent::Started { .. } | StudyEvent::Progress { .. } => {}
        }
        self.show(course);
    }

    /// `7 of 24 done, 2 running, 1 failed; best 61.2 % at 8.4 ms, hypervolume 0.412; 3m 20s left`, on a terminal in lines with the front.
    fn show(&self, course: &Course) {
        let left = format!("{} left", time_in_words(course.left));
        self.bar.set_share(course.share());
        self.bar.panel(
            || {
                let parts = [course.counts_text(), course.live.text(), left.clone()];
                let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                parts.join("; ")
            },
            |width| {
                let mut lines = vec![format!("{}; {left}", course.counts_text()), course.live.text()];
                lines.retain(|line| !line.is_empty());
                lines.extend(course.live.sketch(width));
                lines
            },
        );
    }

    pub fn finish(self, summary: &str) {
        self.bar.finish(summary);
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

//! Course of a running search: what is done, under way and left.

use std::collections::BTreeMap;
use std::time::Duration;

use mnas_engine::study::{Study, StudyEvent};

use super::super::clock::Clock;
use super::live::Live;

/// State of a running search, for displays and for programs.
#[derive(Debug)]
pub struct Course {
    /// Trials settled, failed ones included.
    pub settled: usize,
    /// Trials failed.
    pub failed: usize,
    /// Trials that there will be.
    pub total: usize,
    /// Shares done of the trials under way, by number.
    pub running: BTreeMap<u64, f64>,
    /// Best network and front.
    pub live: Live,
    /// True if the last event changed the front or the best network.
    pub front_changed: bool,
    /// True if trials have scores in place of accuracies.
    pub has_scores: bool,
    /// Estimate of the time left; `None` before anything was gained.
    pub left: Option<Duration>,
    clock: Clock,
}

impl Course {
    /// The course of a study as it is, which will have `total` trials.
    pub fn new(study: &Study, total: usize) -> Self {
        let has_scores = study.config().scoring().is_some();
        let mut live = Live::new(study.problem(), has_scores);
        for trial in study.state().trials() {
            live.add(trial);
        }
        let counts = study.state().counts();
        let mut course = Self {
            settled: counts.settled,
            failed: counts.failed,
            total,
            running: BTreeMap::new(),
            live,
            front_changed: false,
            has_scores,
            left: None,
            clock: Clock::default(),
        };
        course.left = course.clock.estimate(course.share());
        course
    }

    /// Takes an event into account.
    pub fn update(&mut self, event: &StudyEvent<'_>) {
        self.front_changed = false;
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
                self.front_changed = self.live.add(trial);
            }
            StudyEvent::Notice { .. } => {}
        }
        self.left = self.clock.estimate(self.share());
    }

    /// Share of all trials that is done, 0 to 1.
    pub fn share(&self) -> f64 {
        let done = self.settled as f64 + self.running.values().sum::<f64>();
        (done / self.total.max(1) as f64).min(1.0)
    }

    /// `7 of 24 done, 2 running, 1 failed`
    pub fn counts_text(&self) -> String {
        let failed = match self.failed {
            0 => String::new(),
            count => format!(", {count} failed"),
        };
        format!(
            "{} of {} done, {} running{failed}",
            self.settled,
            self.total,
            self.running.len()
        )
    }
}

//! The course of a study: best accuracy and hypervolume after each trial, from its journal.

use mnas_engine::front::{Archive, Insertion};
use mnas_engine::study::{Entry, Event, StudyState, Trial, TrialKind};
use serde::Serialize;

/// A study over its trials.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// A step for each settled trial, in the order in which they were settled. Results imported from other studies are
    /// there from the start and take one step in all.
    pub steps: Vec<Step>,
}

/// The state of a study after a trial.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// Trials settled by the study itself, failed ones and references included.
    pub trials: usize,
    /// Seconds since its start, without pauses between sessions.
    pub seconds: f64,
    /// The best accuracy of a network that keeps the constraints, in percent.
    pub best: Option<f64>,
    /// Hypervolume in percent of the comparison's box.
    pub hypervolume_percent: f64,
}

impl Course {
    /// Follows a journal; `points` holds each trial's point on the objectives, where it keeps the constraints, and `volume`
    /// is the hypervolume of a front.
    pub fn of(
        entries: &[Entry],
        state: &StudyState,
        points: &[Option<Vec<f64>>],
        volume: &dyn Fn(&[Vec<f64>]) -> f64,
    ) -> Self {
        let mut clock = Clock::default();
        let mut progress = Progress::default();
        let mut steps: Vec<Step> = Vec::new();
        for entry in entries {
            let seconds = clock.advance(entry);
            let (Event::Finished { trial: number, .. } | Event::Failed { trial: number, .. }) = &entry.event else {
                continue;
            };
            let Some(trial) = state.trial(*number) else { continue };
            progress.settle(trial, points[*number as usize].as_deref(), volume);
            let is_imported = matches!(trial.kind, TrialKind::Imported { .. });
            let step = Step {
                trials: steps.last().map_or(0, |step| step.trials) + usize::from(!is_imported),
                seconds: if is_imported { 0.0 } else { seconds },
                best: progress.best,
                hypervolume_percent: progress.volume,
            };
            match steps.last_mut() {
                Some(last) if is_imported => *last = step,
                _ => steps.push(step),
            }
        }
        Self { steps }
    }
}

/// Time that a study was worked on.
#[derive(Debug, Default)]
struct Clock {
    /// Milliseconds of all sessions before the last entry.
    worked: u64,
    /// Time of the last entry of this session.
    last: Option<u64>,
}

impl Clock {
    /// Seconds worked until an entry. Time passes between entries of one session only.
    fn advance(&mut self, entry: &Entry) -> f64 {
        let begins = matches!(entry.event, Event::Session { .. });
        if let (Some(last), false) = (self.last, begins) {
            self.worked += entry.at.saturating_sub(last);
        }
        self.last = Some(entry.at);
        self.worked as f64 / 1e3
    }
}

/// Best accuracy and front so far.
#[derive(Debug, Default)]
struct Progress {
    best: Option<f64>,
    front: Archive,
    volume: f64,
}

impl Progress {
    fn settle(&mut self, trial: &Trial, point: Option<&[f64]>, volume: &dyn Fn(&[Vec<f64>]) -> f64) {
        let (Some(accuracy), Some(point)) = (trial.accuracy(), point) else {
            return;
        };
        self.best = Some(self.best.map_or(accuracy, |best| best.max(accuracy)));
        if let Insertion::Joined(_) = self.front.insert(trial.number, point.to_vec()) {
            let members: Vec<Vec<f64>> = self.front.members().map(|(_, point)| point.to_vec()).collect();
            self.volume = volume(&members);
        }
    }
}

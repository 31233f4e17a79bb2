//! The course of a study: best accuracy and hypervolume after each trial, from its journal.

use mnas_engine::evaluator::Fidelity;
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
    /// The best accuracy of a network that keeps the constraints, among the longest trainings so far, in percent.
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
                best: progress.best.map(|(_, accuracy)| accuracy),
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

/// Best accuracy and front so far, of every network its longest training.
#[derive(Debug, Default)]
struct Progress {
    /// Fidelity and accuracy of the best network. A longer training counts more than a better accuracy after a shorter one, as in the
    /// choice of a study's best network.
    best: Option<(Fidelity, f64)>,
    /// Points that no longer training of their network has replaced.
    points: Vec<(u64, Vec<f64>)>,
    front: Archive,
    volume: f64,
}

impl Progress {
    fn settle(&mut self, trial: &Trial, point: Option<&[f64]>, volume: &dyn Fn(&[Vec<f64>]) -> f64) {
        let (Some(accuracy), Some(point)) = (trial.accuracy(), point) else {
            return;
        };
        let is_better = |(fidelity, best): (Fidelity, f64)| {
            trial.fidelity > fidelity || (trial.fidelity == fidelity && accuracy > best)
        };
        if self.best.is_none_or(is_better) {
            self.best = Some((trial.fidelity, accuracy));
        }
        let replaced = self
            .points
            .iter()
            .position(|(owner, _)| Some(*owner) == trial.start_from);
        if let Some(replaced) = replaced {
            let (owner, _) = self.points.swap_remove(replaced);
            if self.front.contains(owner) {
                self.rebuild();
            }
        }
        self.points.push((trial.number, point.to_vec()));
        let joined = matches!(self.front.insert(trial.number, point.to_vec()), Insertion::Joined(_));
        if joined || replaced.is_some() {
            let members: Vec<Vec<f64>> = self.front.members().map(|(_, point)| point.to_vec()).collect();
            self.volume = volume(&members);
        }
    }

    /// Builds the front again, after one of its points was taken out.
    fn rebuild(&mut self) {
        self.front = Archive::default();
        for (owner, point) in &self.points {
            self.front.insert(*owner, point.clone());
        }
    }
}

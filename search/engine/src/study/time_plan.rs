//! Division of a given time between short trainings of candidates and final trainings of the best ones.
//!
//! Two thirds of the time go to trainings that rank candidates, the last third to finalists. A label of a network is worth more if it is
//! better than if there are more of them: trainings become longer before candidates become more.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::finals::{Choice, FinalRole};
use super::trial::{Trial, TrialOutcome};
use super::trial_kind::TrialKind;
use crate::evaluator::{Evaluation, Fidelity};
use crate::training::Proxy;

/// Share of the time for final trainings.
const FINAL_SHARE: f64 = 1.0 / 3.0;

/// Candidates that are judged at least, and before trainings become longer than [`LONG`] times the recipe.
const LEAST_CANDIDATES: usize = 24;
const ENOUGH_CANDIDATES: usize = 40;

/// Candidates at most.
const MOST_CANDIDATES: usize = 1000;

/// Lengths of the recipe up to which trainings become longer before candidates become more than the least number, and more than enough.
const LONG: f64 = 2.0;
const LONGEST: f64 = 8.0;

/// Training images below which a training tells networks apart by chance only.
const LEAST_IMAGES: usize = 4_000;

/// Share of the measured speed that is counted on: images are augmented and machines slow down.
const SPEED_SHARE: f64 = 0.85;

/// Share of the time of final trainings that their epochs are to take, judged by the trials' own seconds.
const FINAL_SPEED_SHARE: f64 = 0.92;

/// Images a second that a plan is made for at least.
const LEAST_SPEED: f64 = 0.01;

/// Cost of an image's evaluation, in training images.
const EVALUATION: f64 = 0.35;

/// Seconds for measuring the winners on the device.
const RESERVE_S: f64 = 15.0;

/// A study's time and its division, in seconds. What follows from it, such as the number of candidates, stands in the study's other settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TimePlan {
    /// The time given.
    pub total_s: f64,
    /// Preparation before the first training.
    pub preparation_s: f64,
    /// Short trainings of candidates and references.
    pub search_s: f64,
    /// Final trainings of the finalists. Those of references come on top.
    pub finals_s: f64,
    /// Training images a second of all workers together, measured on networks within the constraints.
    pub images_per_s: f64,
    /// Training images where their number is not limited.
    pub train_images: usize,
    /// Epochs of a final training at most.
    pub most_final_epochs: u32,
}

/// Facts that a plan follows from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanFacts {
    /// The time given.
    pub total: Duration,
    /// Time spent on preparation.
    pub preparation: Duration,
    /// Training images a second of all workers together.
    pub images_per_s: f64,
    /// Training images.
    pub train_images: usize,
    /// Validation images.
    pub val_images: usize,
    /// References that are trained beside the candidates.
    pub references: usize,
    /// Epochs of the recipe as it comes.
    pub recipe_epochs: u32,
    /// False where no finalists are trained.
    pub has_finals: bool,
    /// Epochs of a final training at most.
    pub most_final_epochs: u32,
}

/// Short trainings of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortTrainings {
    /// Number of candidates.
    pub candidates: usize,
    /// Epochs of each training.
    pub epochs: u32,
    /// Training images of each epoch, where they are fewer than all.
    pub images: Option<usize>,
}

/// A time in which no plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} s are too short to rank {LEAST_CANDIDATES} candidates by trainings and to train the best in full; at least {} s are needed on \
     this machine",
    total.as_secs(), needed.as_secs()
)]
pub struct TimeTooShort {
    /// The time given.
    pub total: Duration,
    /// The least time.
    pub needed: Duration,
}

impl TimePlan {
    /// Divides the time. The short trainings of `LEAST_CANDIDATES` become longer first, then they become more, then longer again.
    pub fn divide(facts: &PlanFacts) -> Result<(Self, ShortTrainings), TimeTooShort> {
        let share = if facts.has_finals { FINAL_SHARE } else { 0.0 };
        let total_s = facts.total.as_secs_f64();
        let preparation_s = facts.preparation.as_secs_f64();
        let available = total_s - preparation_s - RESERVE_S;
        let speed = facts.images_per_s.max(LEAST_SPEED) * SPEED_SHARE;
        let least_images = facts.train_images.min(LEAST_IMAGES) as f64;
        let least_evaluated = facts.val_images.min(LEAST_IMAGES) as f64 * EVALUATION;
        let trainings = (LEAST_CANDIDATES + facts.references) as f64;
        let least_s = trainings * (least_images + least_evaluated) / speed / (1.0 - share);
        if available < least_s {
            let seconds = ((least_s + preparation_s + RESERVE_S) / 10.0).ceil() * 10.0;
            return Err(TimeTooShort {
                total: facts.total,
                needed: Duration::from_secs(seconds as u64),
            });
        }
        let plan = Self {
            total_s: rounded(total_s),
            preparation_s: rounded(preparation_s),
            search_s: rounded(available * (1.0 - share)),
            finals_s: rounded(available * share),
            images_per_s: rounded(facts.images_per_s),
            train_images: facts.train_images,
            most_final_epochs: facts.most_final_epochs.max(1),
        };
        Ok((plan, short_trainings(facts, available * (1.0 - share) * speed)))
    }

    /// Epochs that `finalists` networks can be trained for at once by `workers`, each of whose images costs `relative_cost` of an image of
    /// the short trainings.
    pub fn expected_final_epochs(&self, finalists: usize, workers: usize, images: usize, relative_cost: f64) -> u32 {
        let rounds = finalists.div_ceil(workers.max(1)) as f64;
        let of_a_worker = self.images_per_s * SPEED_SHARE / workers.max(1) as f64;
        self.whole_epochs(self.finals_s / (rounds * images as f64 * relative_cost / of_a_worker))
    }

    /// Seconds that are left for short trainings after these trials.
    pub fn search_left_s(&self, trials: &[Trial], workers: usize) -> f64 {
        (self.search_s - spent_s(trials, workers)).max(0.0)
    }

    /// Epochs of the chosen finalists' trainings: as many as fit into the time that the short trainings have left, by the seconds that those
    /// of the finalists themselves took. A function of the journal, so that a study that goes on decides the same.
    pub fn final_epochs(
        &self,
        fidelity: &TrialCost,
        trials: &[Trial],
        chosen: &[Choice],
        workers: usize,
    ) -> Option<u32> {
        let finalists = chosen.iter().filter(|choice| choice.role == FinalRole::Finalist);
        let seconds: Vec<f64> = finalists
            .filter_map(|choice| fidelity.final_epoch_s(&trials[choice.trial as usize]))
            .collect();
        if seconds.is_empty() {
            return None;
        }
        let unused = self.search_s - spent_s(trials, workers);
        let time = (self.finals_s + unused).max(self.finals_s / 2.0);
        Some(self.whole_epochs(time * FINAL_SPEED_SHARE / makespan(&seconds, workers)))
    }

    fn whole_epochs(&self, epochs: f64) -> u32 {
        if epochs.is_finite() {
            epochs.floor().clamp(1.0, f64::from(self.most_final_epochs)) as u32
        } else {
            1
        }
    }
}

/// Facts about short trainings from which the cost of a final epoch follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrialCost {
    /// Epochs of a short training.
    pub epochs: u32,
    /// Training images of one of its epochs.
    pub images: usize,
    /// Training images of a final epoch.
    pub final_images: usize,
    /// Network trained in place of the deployed one.
    pub proxy: Proxy,
}

impl TrialCost {
    /// Seconds of an epoch in which the deployed network of a trial sees all images.
    fn final_epoch_s(&self, trial: &Trial) -> Option<f64> {
        let result = trained(trial)?;
        let epochs = match trial.fidelity {
            Fidelity::Full => self.epochs,
            Fidelity::Epochs(epochs) => epochs,
        };
        let images = f64::from(epochs.max(1)) * self.images.max(1) as f64;
        let macs = |network: &mnas_space::Architecture| network.cost().macs.max(1) as f64;
        let ratio = macs(&trial.architecture) / macs(&self.proxy.apply(&trial.architecture));
        Some(result.seconds / images * self.final_images as f64 * ratio)
    }
}

/// Trainings as many and as long as `images`, evaluations included, allow.
fn short_trainings(facts: &PlanFacts, images: f64) -> ShortTrainings {
    let references = facts.references as f64;
    let evaluated = facts.val_images as f64 * EVALUATION;
    let all = facts.train_images.max(1) as f64;
    // Epochs of all images that each of `candidates` and of the references may have.
    let length = |candidates: usize| (images / (candidates as f64 + references) - evaluated) / all;
    let count = |epochs: f64| {
        let trainings = images / (epochs * all + evaluated);
        (trainings - references).max(0.0) as usize
    };
    let recipe = f64::from(facts.recipe_epochs.max(1));
    let (candidates, epochs) = if length(LEAST_CANDIDATES) <= LONG * recipe {
        (LEAST_CANDIDATES, length(LEAST_CANDIDATES))
    } else if length(ENOUGH_CANDIDATES) <= LONG * recipe {
        (count(LONG * recipe).max(LEAST_CANDIDATES), LONG * recipe)
    } else if length(ENOUGH_CANDIDATES) <= LONGEST * recipe {
        (ENOUGH_CANDIDATES, length(ENOUGH_CANDIDATES))
    } else {
        let candidates = count(LONGEST * recipe).clamp(ENOUGH_CANDIDATES, MOST_CANDIDATES);
        (candidates, LONGEST * recipe)
    };
    // A training that is not a whole number of epochs sees a part of the images once more often, unless the part is too small.
    let whole = (epochs - 0.1).ceil().max(1.0);
    let part = (epochs / whole * all) as usize;
    if part < facts.train_images.min(LEAST_IMAGES) {
        return ShortTrainings {
            candidates,
            epochs: (epochs.floor() as u32).max(1),
            images: None,
        };
    }
    ShortTrainings {
        candidates,
        epochs: whole as u32,
        images: (part < facts.train_images).then_some(part),
    }
}

/// Seconds of wall time that the trials of this study took, with all workers busy.
fn spent_s(trials: &[Trial], workers: usize) -> f64 {
    let own = trials
        .iter()
        .filter(|trial| !matches!(trial.kind, TrialKind::Imported { .. }));
    own.filter_map(trained).map(|result| result.seconds).sum::<f64>() / workers.max(1) as f64
}

fn trained(trial: &Trial) -> Option<&Evaluation> {
    match &trial.outcome {
        TrialOutcome::Finished(result) => Some(result),
        TrialOutcome::Pending | TrialOutcome::Failed { .. } => None,
    }
}

/// Time in which workers finish tasks that each takes up in turn as soon as it is free.
fn makespan(seconds: &[f64], workers: usize) -> f64 {
    let mut busy = vec![0.0_f64; workers.clamp(1, seconds.len().max(1))];
    for &task in seconds {
        if let Some(first) = busy.iter_mut().min_by(|one, other| one.total_cmp(other)) {
            *first += task;
        }
    }
    busy.into_iter().fold(0.0, f64::max)
}

/// A number of seconds or of images a second as a plan stores it.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;

//! State of the finalists, derived from the journal.

use serde::{Deserialize, Serialize};

use super::super::trial::{TrialOutcome, TrialTimes};
use super::choice::{Choice, FinalRole};
use crate::evaluator::Evaluation;
use crate::training::{Accuracy, Split};

/// A trained network in 8-bit integers, beside 32-bit floats where both were measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Int8Result {
    /// Top-1 accuracy in percent.
    pub top1: f64,
    /// The split of its images: test, or validation where the data set has no test split.
    pub split: Split,
    /// Number of its images.
    pub images: usize,
    /// Runtime and number of threads.
    pub runtime: String,
    /// Median latencies in that runtime; `None` where the study's device is another machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Int8Latency>,
}

/// Latencies of a network in one runtime.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Int8Latency {
    /// In 8-bit integers.
    pub int8_ms: f64,
    /// In 32-bit floats.
    pub fp32_ms: f64,
}

/// An event of a final training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinalEvent {
    /// A network was chosen for final training.
    Chosen {
        /// Number of the finalist, from 0.
        number: u64,
        /// The trial whose network it is.
        trial: u64,
        /// Reason for the choice.
        role: FinalRole,
        /// Seed of its training.
        seed: u64,
    },
    /// Its training was given to a worker.
    Started {
        /// The finalist.
        number: u64,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// Its training finished with a result.
    Finished {
        /// The finalist.
        number: u64,
        /// Its result.
        result: Evaluation,
        /// The worker that trained it.
        worker: String,
    },
    /// Its training failed, or its workers were lost too often.
    Failed {
        /// The finalist.
        number: u64,
        /// The reason.
        reason: String,
        /// The worker that trained it last.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        worker: String,
    },
    /// The trained network was evaluated in 8-bit integers.
    Int8 {
        /// The finalist.
        number: u64,
        /// The result.
        result: Int8Result,
    },
}

/// A network that is trained in full.
#[derive(Debug, Clone, PartialEq)]
pub struct Finalist {
    /// Its number, from 0.
    pub number: u64,
    /// The trial whose network it is.
    pub trial: u64,
    /// The reason for its training.
    pub role: FinalRole,
    /// Seed of its training.
    pub seed: u64,
    /// Number of times it was given to a worker.
    pub attempts: u32,
    /// Its outcome so far.
    pub outcome: TrialOutcome,
    /// The trained network in 8-bit integers; `None` until it was evaluated.
    pub int8: Option<Int8Result>,
    /// The worker that trained it; empty before.
    pub worker: String,
    /// Times of its choice, its last start and its end.
    pub times: TrialTimes,
}

impl Finalist {
    /// Returns true if its training finished or failed.
    pub fn is_settled(&self) -> bool {
        self.outcome != TrialOutcome::Pending
    }

    /// Final top-1 accuracy on validation images, in percent.
    pub fn val_top1(&self) -> Option<f64> {
        match &self.outcome {
            TrialOutcome::Finished(result) => Some(result.accuracy),
            TrialOutcome::Pending | TrialOutcome::Failed { .. } => None,
        }
    }

    /// Final accuracy on the test split; `None` where the data set has none.
    pub fn test(&self) -> Option<Accuracy> {
        match &self.outcome {
            TrialOutcome::Finished(result) => result.training.as_ref()?.test,
            TrialOutcome::Pending | TrialOutcome::Failed { .. } => None,
        }
    }

    /// Final top-1 accuracy on the test split, in percent.
    pub fn test_top1(&self) -> Option<f64> {
        self.test().map(|accuracy| accuracy.top1)
    }
}

/// All finalists of a study.
#[derive(Debug, Clone, Default)]
pub struct Finals {
    finalists: Vec<Finalist>,
}

impl Finals {
    /// Applies an event, written at `at`; the state is unchanged where the event contradicts earlier ones.
    pub(in super::super) fn apply(&mut self, event: &FinalEvent, at: u64) -> Result<(), String> {
        match event {
            FinalEvent::Chosen {
                number,
                trial,
                role,
                seed,
            } => {
                let expected = self.finalists.len() as u64;
                if *number != expected {
                    return Err(format!(
                        "finalist {number} is chosen where finalist {expected} would be next"
                    ));
                }
                self.finalists.push(Finalist {
                    number: *number,
                    trial: *trial,
                    role: *role,
                    seed: *seed,
                    attempts: 0,
                    outcome: TrialOutcome::Pending,
                    int8: None,
                    worker: String::new(),
                    times: TrialTimes {
                        proposed: at,
                        ..TrialTimes::default()
                    },
                });
            }
            FinalEvent::Started { number, attempt } => {
                let finalist = self.finalist_mut(*number)?;
                finalist.attempts = *attempt;
                finalist.times.started = Some(at);
            }
            FinalEvent::Finished { number, result, worker } => {
                self.settle(*number, TrialOutcome::Finished(result.clone()), worker, at)?;
            }
            FinalEvent::Failed { number, reason, worker } => {
                let reason = reason.clone();
                self.settle(*number, TrialOutcome::Failed { reason }, worker, at)?;
            }
            FinalEvent::Int8 { number, result } => {
                let finalist = self.finalist_mut(*number)?;
                if finalist.val_top1().is_none() {
                    return Err(format!("finalist {number} is evaluated in int8 but has no result"));
                }
                finalist.int8 = Some(result.clone());
            }
        }
        Ok(())
    }

    fn settle(&mut self, number: u64, outcome: TrialOutcome, worker: &str, at: u64) -> Result<(), String> {
        let finalist = self.finalist_mut(number)?;
        if finalist.is_settled() {
            return Err(format!("finalist {number} ends twice"));
        }
        finalist.outcome = outcome;
        worker.clone_into(&mut finalist.worker);
        finalist.times.settled = Some(at);
        Ok(())
    }

    fn finalist_mut(&mut self, number: u64) -> Result<&mut Finalist, String> {
        self.finalists
            .get_mut(number as usize)
            .ok_or_else(|| format!("finalist {number} was never chosen"))
    }

    /// All finalists by number.
    pub fn all(&self) -> &[Finalist] {
        &self.finalists
    }

    /// Returns true if none was ever chosen.
    pub fn is_empty(&self) -> bool {
        self.finalists.is_empty()
    }

    /// The finalist of a trial's network, where it was chosen.
    pub fn of_trial(&self, trial: u64) -> Option<&Finalist> {
        self.finalists.iter().find(|finalist| finalist.trial == trial)
    }

    /// Finalists of a choice that are not settled yet.
    pub fn unsettled<'a>(&'a self, chosen: &'a [Choice]) -> impl Iterator<Item = &'a Finalist> {
        let found = chosen.iter().filter_map(|choice| self.of_trial(choice.trial));
        found.filter(|finalist| !finalist.is_settled())
    }

    /// Resets the attempts of unsettled finalists, for a new session.
    pub(in super::super) fn forget_attempts(&mut self) {
        for finalist in self.finalists.iter_mut().filter(|finalist| !finalist.is_settled()) {
            finalist.attempts = 0;
        }
    }
}

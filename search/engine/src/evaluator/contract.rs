//! The trait of evaluators, with its requests, events and results.

use std::path::PathBuf;
use std::time::Duration;

use mnas_space::Architecture;
use serde::{Deserialize, Serialize};

use super::error::EvaluatorError;
use crate::worker::TrainResult;

/// Fidelity of a trial, ordered by effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// The study's recipe shortened to this number of epochs, fewer than its own.
    Epochs(u32),
    /// The full recipe of the study's configuration, or the recorded accuracy.
    #[default]
    Full,
}

impl Fidelity {
    /// The number of epochs, of a recipe of `full` epochs.
    pub fn epochs(self, full: u32) -> u32 {
        match self {
            Self::Epochs(epochs) => epochs,
            Self::Full => full,
        }
    }
}

/// A shorter training of the same network that a trial continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// Its weights.
    pub weights: PathBuf,
    /// Its effort, a part of the trial's.
    pub fidelity: Fidelity,
}

/// One trial to evaluate.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialRequest {
    /// Number of the trial in its study.
    pub trial: u64,
    /// The network as deployed.
    pub architecture: Architecture,
    /// Fidelity of the trial.
    pub fidelity: Fidelity,
    /// The training that the trial continues; `None` for one that begins with random weights.
    pub start_from: Option<Continuation>,
    /// Seed of everything random in the evaluation.
    pub seed: u64,
    /// File to save the trained weights to.
    pub weights: Option<PathBuf>,
    /// File that holds the state of the evaluation while it runs. Where it exists, the evaluation starts from it.
    pub checkpoint: Option<PathBuf>,
}

/// Result of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evaluation {
    /// Validation top-1 in percent.
    pub accuracy: f64,
    /// Duration of the evaluation in seconds.
    pub seconds: f64,
    /// Result of the training; `None` where nothing was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainResult>,
}

/// Event of an evaluator.
#[derive(Debug, Clone, PartialEq)]
pub enum EvaluatorEvent {
    /// A share of a trial is done.
    Progress {
        /// The trial.
        trial: u64,
        /// Share done, 0 to 1.
        done: f64,
    },
    /// A trial finished with a result.
    Finished {
        /// The trial.
        trial: u64,
        /// Its result.
        evaluation: Evaluation,
        /// The worker that evaluated it.
        worker: String,
    },
    /// A trial failed for a reason that another attempt would not remove.
    Failed {
        /// The trial.
        trial: u64,
        /// The reason.
        reason: String,
        /// The worker that evaluated it.
        worker: String,
    },
    /// A trial's worker was lost; another attempt may succeed.
    Lost {
        /// The trial.
        trial: u64,
        /// The reason.
        reason: String,
    },
    /// Message for the user about a worker; no trial is affected.
    Notice {
        /// Message of one line.
        message: String,
    },
}

/// Evaluates trials.
pub trait Evaluator {
    /// Number of trials that can be submitted now.
    fn free_slots(&self) -> usize;

    /// Begins a trial; called only while there are free slots. An error ends the run of the study.
    fn submit(&mut self, request: TrialRequest) -> Result<(), EvaluatorError>;

    /// The next event, waiting for it at most `timeout`; `None` where nothing happened. An error ends the run of the study.
    fn next_event(&mut self, timeout: Duration) -> Result<Option<EvaluatorEvent>, EvaluatorError>;
}

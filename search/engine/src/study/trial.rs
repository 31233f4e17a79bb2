//! One evaluation of one network, and its outcome.

use mnas_space::{Architecture, ArchitectureId};

use super::trial_kind::TrialKind;
use crate::evaluator::{Evaluation, Fidelity};
use crate::problem::Costs;

/// One evaluation of one network.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its number, from 0.
    pub number: u64,
    /// Candidate or reference.
    pub kind: TrialKind,
    /// The network as deployed.
    pub architecture: Architecture,
    /// Its identity.
    pub id: ArchitectureId,
    /// Its costs.
    pub costs: Costs,
    /// Seed of its evaluation.
    pub seed: u64,
    /// Fidelity of the trial, including the training that it continues.
    pub fidelity: Fidelity,
    /// The trial of the same network whose training it continues.
    pub start_from: Option<u64>,
    /// Number of times it was given to the evaluator.
    pub attempts: u32,
    /// Its outcome so far.
    pub outcome: TrialOutcome,
    /// The worker that evaluated it; empty before.
    pub worker: String,
    /// Measured latency of the whole network on each device of the problem.
    pub measured_ms: Vec<Option<f64>>,
    /// Times of its proposal, its last start and its end, in milliseconds since 1970.
    pub times: TrialTimes,
}

/// Times of a trial in milliseconds since 1970, for display only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrialTimes {
    /// Time of its proposal.
    pub proposed: u64,
    /// Time of its last start.
    pub started: Option<u64>,
    /// Time at which it was settled.
    pub settled: Option<u64>,
}

/// The outcome of a trial.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialOutcome {
    /// Not settled yet.
    Pending,
    /// Evaluated.
    Finished(Evaluation),
    /// Ended without a result.
    Failed {
        /// The reason.
        reason: String,
    },
}

impl Trial {
    /// Validation top-1 in percent, where evaluated.
    pub fn accuracy(&self) -> Option<f64> {
        match &self.outcome {
            TrialOutcome::Finished(result) => Some(result.accuracy),
            TrialOutcome::Pending | TrialOutcome::Failed { .. } => None,
        }
    }

    /// Returns true if the trial finished or failed.
    pub fn is_settled(&self) -> bool {
        self.outcome != TrialOutcome::Pending
    }

    /// Returns true if it is a candidate of the search, drawn by this study or imported from another one.
    pub fn is_candidate(&self) -> bool {
        !matches!(self.kind, TrialKind::Reference { .. })
    }

    /// The costs, with measured latencies in place of predicted ones where they exist.
    pub fn known_costs(&self) -> Costs {
        self.costs.with_measured(&self.measured_ms)
    }
}

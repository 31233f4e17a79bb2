//! Scaling of one network: the best width, depth and resolution under a latency budget ([`scale_under_budget`]), and
//! compound scaling fitted to accuracies ([`fit_compound`]).
//!
//! Accuracies come from a function, so that predicted and trained ones are used alike.

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        reason = "tests compare numbers that are computed in the same way"
    )
)]

mod compound;
mod grid;

pub use compound::{CompoundCandidate, CompoundFit, CompoundOptions, CompoundStep, fit_compound};
pub use grid::{ScaledGrid, ScaledRow, ScalingGrid, scale_under_budget};

use mnas_latency::Milliseconds;
use mnas_space::{Architecture, Multipliers, ScalingError as RuleError};

/// Accuracy of a network in percent, or the reason why there is none.
pub type Accuracy<'a> = dyn FnMut(&Architecture) -> Result<f64, String> + 'a;

/// Reason why a scaling has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScalingError {
    /// A rule cannot scale the network.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A list of the grid is empty.
    #[error("no {dimension} to scale to; give at least one")]
    EmptyGrid {
        /// Dimension without values.
        dimension: &'static str,
    },
    /// No network of the grid is within the budget.
    #[error(
        "no scaling is within {budget}; the nearest is {nearest} at width {}, depth {} and {resolution} pixels. Raise the budget or \
         add smaller factors",
        multipliers.width,
        multipliers.depth
    )]
    OverBudget {
        /// Budget.
        budget: Milliseconds,
        /// Latency of the fastest network.
        nearest: Milliseconds,
        /// Its factors.
        multipliers: Multipliers,
        /// Its input side in pixels.
        resolution: u32,
    },
    /// Networks within the budget have no accuracy.
    #[error("none of {networks} scaled networks has an accuracy; the last reason: {reason}")]
    NoAccuracy {
        /// Networks without accuracy.
        networks: usize,
        /// Reason of the last one.
        reason: String,
    },
    /// The network has no stage that can be deepened.
    #[error(
        "the network has no depth to scale: all of its blocks are plain convolutions or kept by the rule; scale width and \
         resolution instead"
    )]
    NoDepth,
}

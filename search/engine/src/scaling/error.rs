//! Errors of scaling.

use mnas_latency::Milliseconds;
use mnas_space::{Multipliers, ScalingError as RuleError};

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
    /// No network within the budget has an accuracy.
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

//! Events of a profile.

use std::time::Duration;

use mnas_space::{Architecture, BlockKey};

use super::plan::ProfilePlan;
use super::report::ProfileReport;
use crate::error::RuntimeError;
use crate::machine::Warning;
use crate::measure::Measurement;

/// Event of a profile, for progress bars and logs.
#[derive(Debug, Clone, Copy)]
pub enum ProfileEvent<'a> {
    /// The plan is complete, and nothing has been measured yet.
    Planned(&'a ProfilePlan),
    /// A condition that makes the numbers less reliable was found; conditions known before measuring come first.
    Warned(&'a Warning),
    /// A layer was measured and written to disk.
    Block {
        /// Layer.
        key: &'a BlockKey,
        /// Latency.
        measurement: &'a Measurement,
        /// Number of layers done in this run, including refused ones.
        done: usize,
        /// Number of layers to measure in this run.
        total: usize,
        /// Expected time for the remaining layers, extrapolated from the time so far.
        remaining: Duration,
    },
    /// The runtime refused a model; the profile continues without it.
    Refused(&'a RuntimeError),
    /// A network was sampled in a round over the whole networks.
    Round {
        /// Number of network samplings done so far, over all rounds.
        done: usize,
        /// Total number of network samplings.
        total: usize,
    },
    /// A whole network was measured and written to disk.
    Network {
        /// Network.
        architecture: &'a Architecture,
        /// Latency.
        measurement: &'a Measurement,
    },
    /// The profile ended.
    Finished(&'a ProfileReport),
}

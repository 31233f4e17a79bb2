//! Events of a profile.

use std::time::Duration;

use mnas_space::{Architecture, BlockKey};

use super::plan::ProfilePlan;
use super::report::ProfileReport;
use crate::error::RuntimeError;
use crate::machine::Warning;
use crate::measure::Measurement;

/// A step of a profile, for progress bars and logs.
#[derive(Debug, Clone, Copy)]
pub enum ProfileEvent<'a> {
    /// The work is known, and nothing is measured yet.
    Planned(&'a ProfilePlan),
    /// A reason not to trust the numbers was found; reasons that are known before measuring come first.
    Warned(&'a Warning),
    /// A layer was measured and is on disk.
    Block {
        /// The layer.
        key: &'a BlockKey,
        /// Its latency.
        measurement: &'a Measurement,
        /// Layers done in this run, refused ones included.
        done: usize,
        /// Layers to do in this run.
        total: usize,
        /// Expected time for the rest of the layers, from the pace so far.
        remaining: Duration,
    },
    /// The runtime does not execute a model; the profile goes on without it.
    Refused(&'a RuntimeError),
    /// A network's part in a round over the whole networks is done.
    Round {
        /// Parts done so far, of all networks and rounds.
        done: usize,
        /// Parts in all.
        total: usize,
    },
    /// A whole network was measured and is on disk.
    Network {
        /// The network.
        architecture: &'a Architecture,
        /// Its latency.
        measurement: &'a Measurement,
    },
    /// The profile ended.
    Finished(&'a ProfileReport),
}

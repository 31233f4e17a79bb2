//! Measurement of whole networks in rounds.

use mnas_space::Architecture;

use crate::measure::TimedModel;

/// Maximum number of samples of a whole network in one round.
pub(super) const SAMPLES_PER_ROUND: usize = 7;

/// Minimum number of samples of a whole network in one round.
const LEAST_SAMPLES: usize = 2;

/// Time in milliseconds for the samples of one network in one round, within the bounds above.
const ROUND_MS: f64 = 20.0;

/// Networks measured in rounds, so that a slow period of the machine affects all of them equally.
pub(super) struct Rounds<'n> {
    /// Networks that were not refused, with their samples; `None` before the first round.
    pub networks: Vec<(&'n Architecture, Option<TimedModel>)>,
    /// Number of completed rounds.
    pub done: usize,
}

impl<'n> Rounds<'n> {
    pub fn new(networks: &'n [Architecture]) -> Self {
        Self {
            networks: networks.iter().map(|network| (network, None)).collect(),
            done: 0,
        }
    }
}

/// Number of samples of a network in one round.
pub(super) fn samples_of(timed: &TimedModel) -> usize {
    let samples = (ROUND_MS / timed.expected_ms()) as usize;
    samples.clamp(LEAST_SAMPLES, SAMPLES_PER_ROUND)
}

//! Whole networks that are measured in rounds.

use mnas_space::Architecture;

use crate::measure::TimedModel;

/// Most samples of each whole network in one round.
pub(super) const SAMPLES_PER_ROUND: usize = 7;

/// Least samples of each whole network in one round.
const LEAST_SAMPLES: usize = 2;

/// Time for the samples of one network in one round, within the bounds above.
const ROUND_MS: f64 = 20.0;

/// Networks that are measured in rounds, so that a slow minute falls on all of them alike.
pub(super) struct Rounds<'n> {
    /// Networks that were not refused, with their samples from the first round on.
    pub networks: Vec<(&'n Architecture, Option<TimedModel>)>,
    /// Completed rounds.
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

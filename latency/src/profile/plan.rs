//! Plan of a profile: the layers and networks to measure.

use std::collections::HashSet;
use std::time::Duration;

use mnas_space::{Architecture, BlockKey};

use super::options::ProfileOptions;
use super::rounds::SAMPLES_PER_ROUND;
use crate::table::LatencyTable;

/// Layers and networks that a profile has to measure, and the expected time.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfilePlan {
    /// Number of distinct layers requested, without layers that compute nothing.
    pub layers: usize,
    /// Requested layers that the table lacks, in a fixed order.
    pub missing_layers: Vec<BlockKey>,
    /// Requested whole networks that the table lacks.
    pub missing_networks: Vec<Architecture>,
    /// Expected time for the missing layers and networks.
    pub estimate: Duration,
}

impl ProfilePlan {
    /// Compares the requested layers and networks with the content of `table`; without a table, all are missing.
    pub fn new(
        keys: impl IntoIterator<Item = BlockKey>,
        networks: &[Architecture],
        table: Option<&LatencyTable>,
        options: &ProfileOptions,
    ) -> Self {
        let mut keys: Vec<BlockKey> = keys.into_iter().filter(|key| !key.is_nothing()).collect();
        keys.sort_unstable();
        keys.dedup();
        let layers = keys.len();
        keys.retain(|key| table.is_none_or(|table| table.get(key).is_none()));
        let mut seen = HashSet::new();
        let mut missing_networks: Vec<Architecture> = Vec::new();
        for network in networks {
            if table.is_none_or(|table| table.network(network).is_none()) && seen.insert(network) {
                missing_networks.push(network.clone());
            }
        }
        let ms = keys.len() as f64 * block_ms(options) + missing_networks.len() as f64 * network_ms(options);
        Self {
            layers,
            missing_layers: keys,
            missing_networks,
            estimate: Duration::from_secs_f64(ms / 1000.0),
        }
    }

    /// Returns true if nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.missing_layers.is_empty() && self.missing_networks.is_empty()
    }

    /// Share of the requested layers that are already measured.
    pub fn coverage(&self) -> f64 {
        self.coverage_without(self.missing_layers.len())
    }

    /// Share of the requested layers that are measured if `missing` of them are not.
    pub(super) fn coverage_without(&self, missing: usize) -> f64 {
        if self.layers == 0 {
            1.0
        } else {
            1.0 - missing as f64 / self.layers as f64
        }
    }
}

/// Expected time for a layer in milliseconds: most layers settle in half of the time limit.
fn block_ms(options: &ProfileOptions) -> f64 {
    0.5 * options.measure.max_ms + 6.0
}

/// Expected time for a whole network in milliseconds.
fn network_ms(options: &ProfileOptions) -> f64 {
    4.0 * (options.network_rounds * SAMPLES_PER_ROUND) as f64 + 50.0
}

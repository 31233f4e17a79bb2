//! The work of a profile before it begins.

use std::collections::HashSet;
use std::time::Duration;

use mnas_space::{Architecture, BlockKey};

use super::options::ProfileOptions;
use super::rounds::SAMPLES_PER_ROUND;
use crate::table::LatencyTable;

/// Layers and networks that a profile has to measure, and the time that they take.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfilePlan {
    /// Number of distinct layers in question, layers that compute nothing left out.
    pub layers: usize,
    /// Layers among them that the table lacks, in a fixed order.
    pub missing_layers: Vec<BlockKey>,
    /// Whole networks that the table lacks.
    pub missing_networks: Vec<Architecture>,
    /// Expected time for the missing layers and networks.
    pub estimate: Duration,
}

impl ProfilePlan {
    /// Compares layers and networks with the content of `table`; without a table all are missing.
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

    /// The share of the layers that is measured already.
    pub fn coverage(&self) -> f64 {
        self.coverage_without(self.missing_layers.len())
    }

    /// The share of the layers that is measured where `missing` of them are not.
    pub(super) fn coverage_without(&self, missing: usize) -> f64 {
        if self.layers == 0 {
            1.0
        } else {
            1.0 - missing as f64 / self.layers as f64
        }
    }
}

/// Expected time for a layer: most settle in half of the time that they may take.
fn block_ms(options: &ProfileOptions) -> f64 {
    0.5 * options.measure.max_ms + 6.0
}

/// Expected time for a whole network.
fn network_ms(options: &ProfileOptions) -> f64 {
    4.0 * (options.network_rounds * SAMPLES_PER_ROUND) as f64 + 50.0
}

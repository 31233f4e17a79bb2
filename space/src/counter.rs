//! Fast counting of the costs of many networks.

use rustc_hash::FxHashMap;

use crate::architecture::Architecture;
use crate::cost::Cost;
use crate::graph::Graph;
use crate::key::BlockKey;

/// Cache of layer costs, for counting many networks of one space: every distinct layer is lowered and counted once.
///
/// The results equal those of [`Architecture::cost`]. Each distinct layer takes about 200 bytes of memory.
#[derive(Debug, Default)]
pub struct Counter {
    layers: FxHashMap<BlockKey, Cost>,
    graph: Option<Graph>,
}

impl Counter {
    /// Exact numbers of parameters and multiply-adds, and peak activation memory, of `architecture`.
    pub fn count(&mut self, architecture: &Architecture) -> Cost {
        let layers = architecture.layers();
        layers.fold(Cost::default(), |total, layer| total.then(self.layer(&layer.key)))
    }

    /// Number of distinct layers in the cache.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    fn layer(&mut self, key: &BlockKey) -> Cost {
        if let Some(cost) = self.layers.get(key) {
            return *cost;
        }
        let graph = self.graph.get_or_insert_with(|| Graph::new(key.input));
        key.lower_into(graph);
        let cost = Cost::of(graph);
        self.layers.insert(*key, cost);
        cost
    }
}

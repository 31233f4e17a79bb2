//! Limits that every network of a space keeps, such as a microcontroller's memory.

use std::fmt;

use serde::Deserialize;

use super::{Candidate, Genotype, SearchSpace};
use crate::architecture::Architecture;
use crate::cost::Cost;
use crate::key::BlockKey;

/// Limits that every network of a space keeps. The layer that scores the classes is the user's, so parameters and
/// multiply-adds are counted for a single class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Constraints {
    /// Most learnt parameters, batch-norm unfolded.
    pub max_params: Option<u64>,
    /// Most multiply-adds for one image.
    pub max_macs: Option<u64>,
    /// Largest sum of live feature maps, as 32-bit floats; with 8-bit integers a quarter of it.
    pub max_peak_activation_bytes: Option<u64>,
}

/// Draws before a space gives up looking for another network within its constraints.
const DRAWS: usize = 1_000;

impl Constraints {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a network of this cost, counted for a single class, keeps them.
    pub fn admit(&self, cost: &Cost) -> bool {
        let keeps = |limit: Option<u64>, value: u64| limit.is_none_or(|limit| value <= limit);
        keeps(self.max_params, cost.params)
            && keeps(self.max_macs, cost.macs)
            && keeps(self.max_peak_activation_bytes, cost.peak_activation_bytes)
    }

    /// Whether a layer is small enough to stand in such a network at all.
    fn admit_layer(&self, key: &BlockKey) -> bool {
        self.max_peak_activation_bytes
            .is_none_or(|limit| Cost::of(&key.graph()).peak_activation_bytes <= limit)
    }
}

/// `at most 1000000 parameters, 1048576 bytes of activations`
impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = [
            (self.max_params, "parameters"),
            (self.max_macs, "multiply-adds"),
            (self.max_peak_activation_bytes, "bytes of activations alive at once"),
        ];
        let limits: Vec<String> = limits
            .into_iter()
            .filter_map(|(limit, what)| limit.map(|limit| format!("{limit} {what}")))
            .collect();
        if limits.is_empty() {
            return f.write_str("none");
        }
        write!(f, "at most {}", limits.join(", "))
    }
}

impl SearchSpace {
    /// Whether a network keeps the space's constraints.
    pub fn admits(&self, architecture: &Architecture) -> bool {
        self.constraints.is_empty() || self.constraints.admit(&architecture.clone().with_classes(1).cost())
    }

    /// Whether the network of a genotype keeps them.
    fn admits_genotype(&self, genotype: &Genotype) -> bool {
        self.constraints.is_empty() || self.constraints.admit(&self.express(genotype, 1).cost())
    }

    /// Repeats `draw` until what it makes of `genotype` keeps the constraints; otherwise leaves a copy of `fallback`.
    pub(super) fn draw_within(
        &self,
        genotype: &mut Genotype,
        fallback: Option<&Genotype>,
        mut draw: impl FnMut(&mut Genotype),
    ) {
        if self.constraints.is_empty() {
            return draw(genotype);
        }
        for _ in 0..DRAWS {
            draw(genotype);
            if self.admits_genotype(genotype) {
                return;
            }
        }
        if let Some(fallback) = fallback {
            genotype.clone_from(fallback);
        }
    }

    /// Whether a layer is in some network of the space as far as its own memory goes.
    pub(super) fn admits_layer(&self, key: &BlockKey) -> bool {
        self.constraints.admit_layer(key)
    }

    /// The network with the least sum of `cost` over its layers that keeps the constraints.
    ///
    /// Exact where only activation memory is limited, which each layer decides for itself. For limits of parameters
    /// and multiply-adds these are priced ever higher until the result keeps them, which is near the least.
    pub(super) fn cheapest_within(&self, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Candidate {
        let free = self.cheapest_by(classes, &mut |key| self.priced(key, cost(key)));
        if self.admits(&free.architecture) {
            return free;
        }
        let scale = self.size_price(&free.architecture, classes, cost);
        for doubling in 0..60 {
            let price = scale * 2f64.powi(doubling - 20);
            let found = self.cheapest_by(classes, &mut |key| {
                let size = Cost::of(&key.graph());
                self.priced(key, cost(key) + price * self.share_of_limits(&size))
            });
            if self.admits(&found.architecture) {
                return found;
            }
        }
        self.smallest.as_ref().map_or(free, |genotype| Candidate {
            genotype: genotype.clone(),
            architecture: self.express(genotype, classes),
        })
    }

    fn priced(&self, key: &BlockKey, cost: f64) -> f64 {
        if self.admits_layer(key) { cost } else { f64::INFINITY }
    }

    /// How much of the limited amounts a layer takes, the whole limit being 1.
    fn share_of_limits(&self, cost: &Cost) -> f64 {
        let share = |limit: Option<u64>, value: u64| limit.map_or(0.0, |limit| value as f64 / limit.max(1) as f64);
        share(self.constraints.max_params, cost.params) + share(self.constraints.max_macs, cost.macs)
    }

    /// What a whole limit is worth beside the cost of `architecture`.
    fn size_price(&self, architecture: &Architecture, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> f64 {
        let architecture = architecture.clone().with_classes(classes);
        let total: f64 = architecture.layers().map(|layer| cost(&layer.key)).sum();
        total.abs().max(f64::MIN_POSITIVE)
    }

    /// A genotype that keeps the constraints, the smallest of the space in one respect or the other.
    pub(super) fn find_smallest(&self) -> Result<Genotype, Cost> {
        let by_macs = self.cheapest_by(1, &mut |key| self.priced(key, Cost::of(&key.graph()).macs as f64));
        let by_params = self.cheapest_by(1, &mut |key| self.priced(key, Cost::of(&key.graph()).params as f64));
        let smallest = [by_macs, by_params];
        let found = smallest.iter().find(|candidate| self.admits(&candidate.architecture));
        found
            .map(|candidate| candidate.genotype.clone())
            .ok_or_else(|| smallest[0].architecture.cost())
    }
}

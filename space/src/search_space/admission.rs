//! Sampling and minimisation within a space's constraints.

use std::ops::Range;

use super::{Candidate, Genotype, SearchSpace};
use crate::architecture::Architecture;
use crate::cost::Cost;
use crate::key::BlockKey;

/// Maximum number of draws for finding a network within the constraints.
const DRAWS: usize = 1_000;

impl SearchSpace {
    /// Checks whether a network satisfies the space's constraints.
    pub fn admits(&self, architecture: &Architecture) -> bool {
        self.constraints.is_empty() || self.constraints.admit(&architecture.clone().with_classes(1).cost())
    }

    /// Checks whether the network of a genotype satisfies the constraints.
    fn admits_genotype(&self, genotype: &Genotype) -> bool {
        self.constraints.is_empty() || self.constraints.admit(&self.express(genotype, 1).cost())
    }

    /// Repeats `draw` on `genotype` until its network satisfies the constraints; after [`DRAWS`] attempts, sets `genotype`
    /// to `fallback`.
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

    /// Checks whether the activation memory of a layer alone satisfies the constraints.
    pub(super) fn admits_layer(&self, key: &BlockKey) -> bool {
        self.constraints.admit_layer(key)
    }

    /// Network of some families with the smallest total `cost` of its layers within the constraints.
    ///
    /// Exact if only activation memory is limited, since that limit applies to each layer. For parameters and multiply-adds,
    /// a penalty is doubled until the network is within the limits; its cost is then close to the minimum.
    pub(super) fn cheapest_within(
        &self,
        families: Range<usize>,
        classes: u32,
        cost: &mut dyn FnMut(&BlockKey) -> f64,
    ) -> Candidate {
        if self.constraints.is_empty() {
            return self.cheapest_by(families, classes, cost);
        }
        let unlimited = self.cheapest_by(families.clone(), classes, &mut |key| self.layer_cost(key, cost(key)));
        if self.admits(&unlimited.architecture) {
            return unlimited;
        }
        let total: f64 = unlimited.architecture.layers().map(|layer| cost(&layer.key)).sum();
        // Penalty for using a whole limit, initially a millionth of the unconstrained network's cost.
        let mut penalty = total.abs().max(f64::MIN_POSITIVE) * 1e-6;
        for _ in 0..60 {
            let found = self.cheapest_by(families.clone(), classes, &mut |key| {
                let size = Cost::of(&key.graph());
                self.layer_cost(key, cost(key) + penalty * self.share_of_limits(&size))
            });
            if self.admits(&found.architecture) {
                return found;
            }
            penalty *= 2.0;
        }
        match &self.smallest {
            Some(genotype) if families.contains(&genotype.family) => Candidate {
                genotype: genotype.clone(),
                architecture: self.express(genotype, classes),
            },
            _ => unlimited,
        }
    }

    /// Cost of a layer; infinite if its activation memory exceeds the constraints.
    fn layer_cost(&self, key: &BlockKey, cost: f64) -> f64 {
        if self.admits_layer(key) { cost } else { f64::INFINITY }
    }

    /// Sum of the shares of the limits that a layer uses; a share is at most 1 if the layer is within the limit.
    fn share_of_limits(&self, cost: &Cost) -> f64 {
        let share = |limit: Option<u64>, value: u64| limit.map_or(0.0, |limit| value as f64 / limit.max(1) as f64);
        share(self.constraints.max_params, cost.params) + share(self.constraints.max_macs, cost.macs)
    }

    /// Genotype with the fewest multiply-adds, or else with the fewest parameters, that satisfies the constraints. If
    /// neither does, the error is the cost of the network with the fewest multiply-adds.
    pub(super) fn find_smallest(&self) -> Result<Genotype, Cost> {
        let by_macs = self.cheapest_by(0..self.families.len(), 1, &mut |key| {
            self.layer_cost(key, Cost::of(&key.graph()).macs as f64)
        });
        let by_params = self.cheapest_by(0..self.families.len(), 1, &mut |key| {
            self.layer_cost(key, Cost::of(&key.graph()).params as f64)
        });
        let smallest = [by_macs, by_params];
        let found = smallest.iter().find(|candidate| self.admits(&candidate.architecture));
        found
            .map(|candidate| candidate.genotype.clone())
            .ok_or_else(|| smallest[0].architecture.cost())
    }
}

//! Search spaces: unions of families, with sampling, mutation, encoding and enumeration.

mod admission;
mod constraints;
mod document;
mod reference_points;

pub use constraints::Constraints;
pub use reference_points::{ReferencePoint, ReferencePoints};

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use num_bigint::BigUint;
use rand::RngExt;

use crate::architecture::Architecture;
use crate::family::Family;
use crate::key::BlockKey;

/// Choices that describe a network: a family and the value of each of its decisions.
///
/// Decisions without effect are 0, so that equal choices have equal genotypes. Different genotypes can still express the
/// same network: rounding can make two width multipliers equal, two families can contain the same network, and an identity
/// block computes nothing. Their architectures then have the same [`Architecture::id`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Genotype {
    /// Index of the family.
    pub family: usize,
    /// Resolution, width, then channels, depth and blocks of every stage.
    pub genes: Vec<u16>,
}

/// Candidate of a search: a genotype and the network that it expresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Choices.
    pub genotype: Genotype,
    /// Network.
    pub architecture: Architecture,
}

/// Union of families of networks.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpace {
    /// Name.
    pub name: String,
    /// Description in one sentence.
    pub description: String,
    /// Families.
    pub families: Vec<Family>,
    /// Limits on all networks.
    pub constraints: Constraints,
    /// Published networks for comparison.
    pub references: Vec<ReferencePoints>,
    /// Number of early strides, the first ones above 1, that are replaced by 1 in every network, for small images.
    pub early_strides_removed: usize,
    /// Small genotype that satisfies the constraints; `None` without constraints.
    smallest: Option<Genotype>,
}

/// Compiled-in spaces: name and TOML text.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/spaces.rs"));

impl SearchSpace {
    /// TOML text of a compiled-in space.
    pub fn embedded(name: &str) -> Option<&'static str> {
        EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// Names of the compiled-in spaces.
    pub fn embedded_names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// Exact number of configurations: the sum over families of the product of their decisions.
    ///
    /// This is an upper bound on the number of distinct networks (see [`Genotype`]). Configurations that violate the
    /// constraints are included.
    pub fn size(&self) -> BigUint {
        self.families.iter().map(Family::size).sum()
    }

    /// Iterates over all configurations, each once, including those that violate the constraints. Their number is
    /// [`SearchSpace::size`]: suitable for small spaces only.
    pub fn configurations(&self) -> impl Iterator<Item = Genotype> {
        let families = self.families.iter().enumerate();
        families.flat_map(|(family, body)| body.configurations().map(move |genes| Genotype { family, genes }))
    }

    /// Number of distinct networks that satisfy the constraints, by enumeration; `None` if the space has more than
    /// `most_configurations` configurations.
    pub fn distinct_networks(&self, most_configurations: u64) -> Option<u64> {
        if self.size() > BigUint::from(most_configurations) {
            return None;
        }
        let mut ids = HashSet::new();
        for genotype in self.configurations() {
            let architecture = self.express(&genotype, 1);
            if self.admits(&architecture) {
                ids.insert(architecture.id());
            }
        }
        Some(ids.len() as u64)
    }

    /// Network of a genotype with `classes` classes.
    pub fn express(&self, genotype: &Genotype, classes: u32) -> Architecture {
        self.families[genotype.family].express(&genotype.genes, classes)
    }

    /// Replaces `architecture` with the network of a genotype, reusing its memory.
    pub fn express_into(&self, genotype: &Genotype, classes: u32, architecture: &mut Architecture) {
        self.families[genotype.family].express_into(&genotype.genes, classes, architecture);
    }

    /// Genotype that expresses `architecture`, whatever its number of classes; `None` if the space does not contain it.
    pub fn encode(&self, architecture: &Architecture) -> Option<Genotype> {
        self.families
            .iter()
            .enumerate()
            .find_map(|(family, body)| body.encode(architecture).map(|genes| Genotype { family, genes }))
    }

    /// Checks whether the space contains `architecture`, whatever its number of classes, and its constraints are satisfied.
    pub fn contains(&self, architecture: &Architecture) -> bool {
        self.families.iter().any(|family| family.contains(architecture)) && self.admits(architecture)
    }

    /// Genotype with the output channels of every stage at, or nearest to, `share` of those of `genotype`, among the choices up to them.
    #[must_use]
    pub fn narrowed(&self, genotype: &Genotype, share: f64) -> Genotype {
        let mut narrowed = genotype.clone();
        self.families[genotype.family].narrow(&mut narrowed.genes, share);
        narrowed
    }

    /// Draws a random genotype: a family uniformly, then the values of its decisions uniformly and independently.
    ///
    /// This is not the uniform distribution over networks, under which nearly all stages would have their largest depth.
    pub fn sample(&self, rng: &mut impl rand::Rng) -> Genotype {
        let mut genotype = Genotype {
            family: 0,
            genes: Vec::new(),
        };
        self.sample_into(&mut genotype, rng);
        genotype
    }

    /// Replaces `genotype` with a random one, reusing its memory; see [`SearchSpace::sample`].
    pub fn sample_into(&self, genotype: &mut Genotype, rng: &mut impl rand::Rng) {
        self.draw_within(genotype, self.smallest.as_ref(), |genotype| {
            genotype.family = rng.random_range(0..self.families.len());
            self.families[genotype.family].sample_into(&mut genotype.genes, rng);
        });
    }

    /// Neighbour of a genotype: a copy in which one decision that has an effect is changed. In a family with a single
    /// network, the copy equals `parent`.
    pub fn mutate(&self, parent: &Genotype, rng: &mut impl rand::Rng) -> Genotype {
        let mut child = parent.clone();
        self.mutate_in_place(&mut child, rng);
        child
    }

    /// Changes one decision of `genotype` that has an effect to another value.
    ///
    /// If no neighbour that satisfies the constraints is found in a fixed number of attempts, `genotype` does not change.
    pub fn mutate_in_place(&self, genotype: &mut Genotype, rng: &mut impl rand::Rng) {
        if self.constraints.is_empty() {
            return self.families[genotype.family].mutate(&mut genotype.genes, rng);
        }
        let parent = genotype.clone();
        self.draw_within(genotype, Some(&parent), |genotype| {
            genotype.clone_from(&parent);
            self.families[genotype.family].mutate(&mut genotype.genes, rng);
        });
    }

    /// Child of two genotypes: every decision is taken from either parent with equal probability.
    ///
    /// Genotypes of different families have no decisions in common; the child is then a copy of one parent.
    pub fn crossover(&self, one: &Genotype, other: &Genotype, rng: &mut impl rand::Rng) -> Genotype {
        if one.family != other.family {
            return if rng.random_bool(0.5) {
                one.clone()
            } else {
                other.clone()
            };
        }
        let mut child = one.clone();
        self.draw_within(&mut child, Some(one), |child| {
            for (gene, (&a, &b)) in child.genes.iter_mut().zip(one.genes.iter().zip(&other.genes)) {
                *gene = if rng.random_bool(0.5) { a } else { b };
            }
            self.families[one.family].canonicalise(&mut child.genes);
        });
        child
    }

    /// Distinct block keys of the space's networks with `classes` classes, in order.
    pub fn block_keys(&self, classes: u32) -> BTreeSet<BlockKey> {
        let mut keys = BTreeSet::new();
        for family in &self.families {
            family.collect_keys(classes, &mut keys);
        }
        keys.retain(|key| !key.is_nothing() && self.admits_layer(key));
        keys
    }

    /// Network with the smallest total `cost` of its layers, computed without enumerating all networks. Exact unless
    /// constraints limit parameters or multiply-adds; the total is then close to the minimum.
    pub fn cheapest(&self, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Candidate {
        self.cheapest_within(0..self.families.len(), classes, cost)
    }

    /// Network of one family with the smallest total `cost` of its layers, as for [`SearchSpace::cheapest`]. If no network
    /// of the family satisfies the constraints, neither does the result.
    pub fn cheapest_of_family(&self, family: usize, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Candidate {
        self.cheapest_within(family..family + 1, classes, cost)
    }

    /// Cheapest network of some families, without constraints.
    fn cheapest_by(&self, families: Range<usize>, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Candidate {
        let (_, genotype) = families
            .map(|family| {
                let (sum, genes) = self.families[family].cheapest(classes, cost);
                (sum, Genotype { family, genes })
            })
            .min_by(|(one, _), (other, _)| one.total_cmp(other))
            .expect("a space is checked to have at least one family");
        let architecture = self.express(&genotype, classes);
        Candidate { genotype, architecture }
    }
}

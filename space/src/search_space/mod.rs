//! Search spaces: unions of families, and what a search does with them.

mod constraints;
mod document;
mod reference_points;

pub use constraints::Constraints;
pub use reference_points::{ReferencePoint, ReferencePoints};

use std::collections::BTreeSet;
use std::ops::Range;

use num_bigint::BigUint;
use rand::RngExt;

use crate::architecture::Architecture;
use crate::document::DocumentError;
use crate::family::Family;
use crate::key::BlockKey;

/// The choices that make up a network: which family, and the value of every decision in it.
///
/// Decisions without effect are 0, so equal genotypes are equal choices. Different genotypes can express one
/// network (a width multiplier that rounding makes equal to its neighbour, a network in two families);
/// [`Architecture::id`] tells.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Genotype {
    /// Index of the family.
    pub family: usize,
    /// Resolution, width, then per stage: channels, depth, blocks.
    pub genes: Vec<u16>,
}

/// A genotype and the network it expresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The choices.
    pub genotype: Genotype,
    /// The network.
    pub architecture: Architecture,
}

/// A union of families of networks.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpace {
    /// Its name.
    pub name: String,
    /// One sentence on what it holds.
    pub description: String,
    /// Its families.
    pub families: Vec<Family>,
    /// What every network keeps.
    pub constraints: Constraints,
    /// Networks to compare with.
    pub references: Vec<ReferencePoints>,
    /// How many of the earliest strides are removed in every network (small images).
    pub early_strides_removed: usize,
    /// A network that keeps the constraints, where there are any.
    smallest: Option<Genotype>,
}

/// The spaces that come with mnas: name and TOML text.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/spaces.rs"));

impl SearchSpace {
    /// Reads a space from TOML. Unknown keys, wrong types and numbers out of range are errors with a line.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        document::read(text)
    }

    /// The TOML text of a space that comes with mnas.
    pub fn embedded(name: &str) -> Option<&'static str> {
        EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// Names of the spaces that come with mnas.
    pub fn embedded_names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// Exact number of configurations: the sum over families of the product of their decisions.
    ///
    /// It bounds the number of distinct networks from above, as [`Genotype`] explains, and counts those too that
    /// exceed the constraints.
    pub fn size(&self) -> BigUint {
        self.families.iter().map(Family::size).sum()
    }

    /// The network of a genotype with `classes` outputs.
    pub fn express(&self, genotype: &Genotype, classes: u32) -> Architecture {
        self.families[genotype.family].express(&genotype.genes, classes)
    }

    /// Like [`SearchSpace::express`], reusing the memory of an earlier architecture.
    pub fn express_into(&self, genotype: &Genotype, classes: u32, architecture: &mut Architecture) {
        self.families[genotype.family].express_into(&genotype.genes, classes, architecture);
    }

    /// The choices that express `architecture`, whatever its number of classes; `None` where the space lacks it.
    pub fn encode(&self, architecture: &Architecture) -> Option<Genotype> {
        self.families
            .iter()
            .enumerate()
            .find_map(|(family, body)| body.encode(architecture).map(|genes| Genotype { family, genes }))
    }

    /// Whether some choices express `architecture`, whatever its number of classes, and it keeps the constraints.
    pub fn contains(&self, architecture: &Architecture) -> bool {
        self.families.iter().any(|family| family.contains(architecture)) && self.admits(architecture)
    }

    /// A random genotype: families and then every decision with equal chance, independently.
    ///
    /// This is not uniform over networks: a deep stage has more of them than a shallow one, and would drown it.
    pub fn sample(&self, rng: &mut impl rand::Rng) -> Genotype {
        let mut genotype = Genotype {
            family: 0,
            genes: Vec::new(),
        };
        self.sample_into(&mut genotype, rng);
        genotype
    }

    /// Like [`SearchSpace::sample`], reusing the memory of an earlier genotype.
    pub fn sample_into(&self, genotype: &mut Genotype, rng: &mut impl rand::Rng) {
        self.draw_within(genotype, self.smallest.as_ref(), |genotype| {
            genotype.family = rng.random_range(0..self.families.len());
            self.families[genotype.family].sample_into(&mut genotype.genes, rng);
        });
    }

    /// A neighbour: one decision that has an effect takes another value. In a space with a single network, itself.
    pub fn mutate(&self, parent: &Genotype, rng: &mut impl rand::Rng) -> Genotype {
        let mut child = parent.clone();
        self.mutate_in_place(&mut child, rng);
        child
    }

    /// Like [`SearchSpace::mutate`], in place of the parent.
    ///
    /// Where the constraints leave no neighbour within many tries, the parent stays as it is.
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

    /// A child that takes every decision from one parent or the other with equal chance.
    ///
    /// Parents of different families have no decisions in common; the child is then a copy of one of them.
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

    /// Every distinct block key that some network of the space with `classes` outputs contains, in order.
    pub fn block_keys(&self, classes: u32) -> BTreeSet<BlockKey> {
        let mut keys = BTreeSet::new();
        for family in &self.families {
            family.collect_keys(classes, &mut keys);
        }
        keys.retain(|key| !key.is_nothing() && self.admits_layer(key));
        keys
    }

    /// The network with the least sum of `cost` over its layers. Exact, without looking at every network, but where
    /// constraints limit parameters or multiply-adds; then it is near the least.
    pub fn cheapest(&self, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Candidate {
        self.cheapest_within(0..self.families.len(), classes, cost)
    }

    /// Like [`SearchSpace::cheapest`], of the networks of one family. Where the constraints leave none of them, one
    /// that exceeds them.
    pub fn cheapest_of_family(&self, family: usize, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Candidate {
        self.cheapest_within(family..family + 1, classes, cost)
    }

    /// The cheapest network of some families, whatever the constraints.
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

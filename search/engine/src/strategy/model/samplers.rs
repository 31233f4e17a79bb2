//! Draws of the model-guided search.

use std::borrow::Borrow;
use std::collections::HashSet;

use mnas_space::{ArchitectureId, Genotype};
use rand_chacha::ChaCha8Rng;

use super::acquisition::Acquisition;
use super::candidate::PooledCandidate;
use super::candidates::Candidates;
use super::guided::Guided;
use super::screening::Screening;
use crate::problem::Costs;
use crate::regression::{Belief, Covariance, GaussianProcess, Hyperparameters, Sample};
use crate::strategy::{Observation, Sampler};

/// Networks drawn, of which the one farthest from all others is chosen.
const SPREAD: usize = 200;

/// Candidates spread over the sizes.
const RANDOM: usize = 150;

/// The best networks known whose neighbours are candidates, and mutations of each.
const PARENTS: usize = 10;
const CHILDREN: usize = 10;

/// Rounds in which neighbours of the best candidates become candidates, the number of those candidates, and of neighbours of each.
const ROUNDS: usize = 3;
const CLIMBERS: usize = 5;
const STEPS: usize = 8;

/// Best candidates that draws go through before they are random.
const KEPT: usize = 200;

/// Expected gain, as a share of the greatest one possible, below which a random network is as good.
const NEGLIGIBLE: f64 = 1e-9;

/// First the largest network, then those farthest from all networks known.
pub(super) struct FarthestFirst<'s, 'a> {
    search: &'s Guided<'a>,
    taken: Vec<Sample>,
    refused: HashSet<ArchitectureId>,
    largest: bool,
}

impl<'s, 'a> FarthestFirst<'s, 'a> {
    pub fn new(search: &'s Guided<'a>, pending: &[Observation], samples: Vec<Sample>) -> Self {
        let observed = search.observed.iter().map(|one| one.sample.clone());
        Self {
            search,
            taken: observed.chain(samples).collect(),
            refused: pending.iter().map(|one| one.id).collect(),
            largest: false,
        }
    }

    /// The network with the greatest distance to the nearest one taken; all kinds of choice count the same.
    fn farthest(&self, candidates: &[PooledCandidate]) -> Option<usize> {
        let kinds = self.search.encoder.kinds().count();
        let equal = Hyperparameters {
            scales: vec![1.0; kinds],
            slopes: Vec::new(),
            noise: 0.0,
        };
        let covariance = Covariance::new(&self.search.encoder, &equal);
        let nearest = |candidate: &PooledCandidate| {
            let distances = self.taken.iter();
            let distances = distances.map(|one| covariance.distance(&one.encoding, &candidate.sample.encoding));
            distances.fold(f64::INFINITY, f64::min)
        };
        let distances = candidates.iter().map(nearest).enumerate();
        // Of equals, the first.
        distances
            .fold(None, |best: Option<(usize, f64)>, (index, distance)| match best {
                Some((_, farthest)) if farthest >= distance => best,
                _ => Some((index, distance)),
            })
            .map(|(index, _)| index)
    }
}

impl Sampler for FarthestFirst<'_, '_> {
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype {
        let search = self.search;
        if !std::mem::replace(&mut self.largest, true)
            && let Some(largest) = &search.largest
        {
            let id = search.problem.space.express(largest, search.problem.classes).id();
            if !search.known.contains(&id) && !self.refused.contains(&id) {
                return largest.clone();
            }
        }
        let mut candidates = Candidates::new(search, self.refused.iter().copied());
        candidates.add_spread(SPREAD, rng);
        let Some(index) = self.farthest(&candidates.found) else {
            return search.spread.draw(rng);
        };
        let chosen = candidates.found.swap_remove(index);
        self.refused.insert(chosen.id);
        self.taken.push(chosen.sample);
        chosen.genotype
    }
}

/// Networks in descending order of the expected gain.
pub(super) struct BestFirst<'s, 'a> {
    search: &'s Guided<'a>,
    process: GaussianProcess,
    acquisition: Acquisition,
    pending: Vec<ArchitectureId>,
    screening: Option<Screening<'s, 'a>>,
    /// The greatest gain last; `None` before the first draw.
    ranked: Option<Vec<Genotype>>,
}

impl<'s, 'a> BestFirst<'s, 'a> {
    pub fn new(search: &'s Guided<'a>, process: GaussianProcess, pending: &[Observation], samples: &[Sample]) -> Self {
        let beliefs = process.predict(&samples.iter().collect::<Vec<_>>());
        let believed: Vec<(f64, Costs)> = beliefs
            .iter()
            .zip(pending)
            .map(|(belief, one)| (belief.mean, one.costs.clone()))
            .collect();
        Self {
            search,
            acquisition: search.acquisition(&believed),
            process,
            pending: pending.iter().map(|one| one.id).collect(),
            screening: Screening::new(search, pending, samples),
            ranked: None,
        }
    }

    /// Candidates with their gains, by a regression of their values.
    pub fn with_gains<C: Borrow<PooledCandidate>>(
        &self,
        process: &GaussianProcess,
        candidates: Vec<C>,
    ) -> Vec<(f64, C)> {
        let samples: Vec<&Sample> = candidates.iter().map(|candidate| &candidate.borrow().sample).collect();
        let beliefs = process.predict(&samples);
        let gain = |(belief, candidate): (Belief, C)| {
            let costs = &candidate.borrow().costs;
            let factor = self.search.problem.reward_factor(costs);
            let costs = self.search.objective_costs(costs);
            (self.acquisition.gain(belief, factor, &costs), candidate)
        };
        beliefs.into_iter().zip(candidates).map(gain).collect()
    }

    /// Candidates of non-negligible gain, in ascending order of gain.
    fn rank(&self, rng: &mut ChaCha8Rng) -> Vec<Genotype> {
        let Some(screening) = &self.screening else {
            return match self.new_of_pool() {
                Some(pool) => ascending(self.with_gains(&self.process, pool)),
                None => ascending(self.explore(rng)),
            };
        };
        let ranked = match self.new_of_pool() {
            Some(pool) => self.with_gains(&self.process, pool.into_iter().cloned().collect()),
            None => self.explore(rng),
        };
        screening.rank(self, ranked, &self.pending, rng)
    }

    /// Candidates of a small space that are not known.
    fn new_of_pool(&self) -> Option<Vec<&'s PooledCandidate>> {
        let is_new = |one: &&PooledCandidate| !self.search.known.contains(&one.id) && !self.pending.contains(&one.id);
        let pool = self.search.pool.as_ref()?;
        Some(pool.iter().filter(is_new).collect())
    }

    /// Candidates of a large space: some of all sizes, neighbours of the best networks known, and in rounds the neighbours of
    /// the best candidates.
    fn explore(&self, rng: &mut ChaCha8Rng) -> Vec<(f64, PooledCandidate)> {
        let search = self.search;
        let mut candidates = Candidates::new(search, self.pending.iter().copied());
        candidates.add_spread(RANDOM, rng);
        for index in search.by_merit().into_iter().take(PARENTS) {
            candidates.add_neighbours(&search.observed[index].genotype, CHILDREN, rng);
        }
        let mut ranked: Vec<(f64, PooledCandidate)> = Vec::new();
        for round in 0..=ROUNDS {
            let found = std::mem::take(&mut candidates.found);
            ranked.extend(self.with_gains(&self.process, found));
            sort(&mut ranked);
            if round < ROUNDS {
                for (_, best) in ranked.iter().rev().take(CLIMBERS) {
                    candidates.add_neighbours(&best.genotype, STEPS, rng);
                }
            }
        }
        ranked
    }
}

/// Genotypes of candidates whose gain is not negligible, the greatest gain last.
pub(super) fn ascending<C: Borrow<PooledCandidate>>(mut ranked: Vec<(f64, C)>) -> Vec<Genotype> {
    ranked.retain(|(gain, _)| *gain > NEGLIGIBLE);
    sort(&mut ranked);
    let last = ranked.split_off(ranked.len().saturating_sub(KEPT));
    last.into_iter()
        .map(|(_, candidate)| candidate.borrow().genotype.clone())
        .collect()
}

/// Sorts by gain, the greatest last; among equals the least id is last.
pub(super) fn sort<C: Borrow<PooledCandidate>>(ranked: &mut [(f64, C)]) {
    ranked.sort_unstable_by(|(one_gain, one), (other_gain, other)| {
        one_gain
            .total_cmp(other_gain)
            .then(other.borrow().id.cmp(&one.borrow().id))
    });
}

impl Sampler for BestFirst<'_, '_> {
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype {
        if self.ranked.is_none() {
            self.ranked = Some(self.rank(rng));
        }
        let best = self.ranked.as_mut().and_then(Vec::pop);
        best.unwrap_or_else(|| self.search.spread.draw(rng))
    }
}

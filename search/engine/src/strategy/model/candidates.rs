//! Networks among which the model chooses.

use std::collections::HashSet;

use mnas_space::{ArchitectureId, Genotype};
use rand_chacha::ChaCha8Rng;

use super::candidate::PooledCandidate;
use super::guided::Guided;

/// Largest number of configurations of a space that is enumerated instead of sampled.
const ENUMERABLE: usize = 10_000;

/// Distinct networks, without those that are known.
pub(super) struct Candidates<'s, 'a> {
    search: &'s Guided<'a>,
    seen: HashSet<ArchitectureId>,
    pub found: Vec<PooledCandidate>,
}

impl<'s, 'a> Candidates<'s, 'a> {
    pub fn new(search: &'s Guided<'a>, known: impl Iterator<Item = ArchitectureId>) -> Self {
        Self {
            search,
            seen: known.collect(),
            found: Vec::new(),
        }
    }

    /// Adds a network that may be tried and is new.
    pub fn add(&mut self, genotype: Genotype) {
        let problem = self.search.problem;
        let architecture = problem.space.express(&genotype, problem.classes);
        let id = architecture.id();
        if self.search.known.contains(&id) || !self.seen.insert(id) {
            return;
        }
        let Ok(proposal) = problem.admit(architecture) else {
            return;
        };
        self.found.push(PooledCandidate {
            sample: self.search.sample(&genotype, &proposal.costs),
            genotype,
            id,
            costs: proposal.costs,
        });
    }

    /// Adds networks spread over the sizes.
    pub fn add_spread(&mut self, count: usize, rng: &mut ChaCha8Rng) {
        for _ in 0..count {
            self.add(self.search.spread.draw(rng));
        }
    }

    /// Adds networks one and two mutations from a genotype.
    pub fn add_neighbours(&mut self, of: &Genotype, count: usize, rng: &mut ChaCha8Rng) {
        let space = &self.search.problem.space;
        for _ in 0..count {
            let near = space.mutate(of, rng);
            self.add(space.mutate(&near, rng));
            self.add(near);
        }
    }
}

/// Every network that may be tried, of a space small enough; `None` for larger ones.
pub(super) fn enumerate(search: &Guided<'_>) -> Option<Vec<PooledCandidate>> {
    let space = &search.problem.space;
    let mut total = 0_usize;
    for family in &space.families {
        let sizes = family.gene_sizes().iter();
        let configurations = sizes.fold(1_usize, |product, &size| product.saturating_mul(usize::from(size)));
        total = total.saturating_add(configurations);
    }
    if total > ENUMERABLE {
        return None;
    }
    let mut all = Candidates::new(search, std::iter::empty());
    for (family, body) in space.families.iter().enumerate() {
        let sizes = body.gene_sizes();
        let mut genes = vec![0; sizes.len()];
        loop {
            all.add(Genotype {
                family,
                genes: genes.clone(),
            });
            // The next number in the mixed radix of the genes' sizes.
            let Some(place) = (0..sizes.len()).find(|&place| genes[place] + 1 < sizes[place]) else {
                break;
            };
            genes[..place].fill(0);
            genes[place] += 1;
        }
    }
    Some(all.found)
}

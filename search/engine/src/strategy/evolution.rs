use mnas_space::{Genotype, SearchSpace};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Evaluated, Strategy};

/// Regularised evolution (Real et al., arXiv:1802.01548): the population is the youngest candidates; the most accurate
/// of a few drawn from it is mutated. The oldest die whatever they achieved, so that a lucky result does not stay for
/// ever.
#[derive(Debug, Clone, Copy)]
pub struct Evolution {
    /// Candidates alive at a time; as many are drawn at random before the first mutation.
    pub population: usize,
    /// Candidates that compete to be a parent.
    pub sample: usize,
}

impl Strategy for Evolution {
    fn ask(&self, space: &SearchSpace, history: &[Evaluated], rng: &mut ChaCha8Rng) -> Genotype {
        let alive: Vec<&Evaluated> = history.iter().filter(|one| one.accuracy.is_some()).collect();
        if alive.len() < self.population {
            return space.sample(rng);
        }
        let youngest = &alive[alive.len() - self.population..];
        let parent = (0..self.sample.max(1))
            .map(|_| youngest[rng.random_range(0..youngest.len())])
            .max_by(|one, other| one.accuracy.unwrap_or(0.0).total_cmp(&other.accuracy.unwrap_or(0.0)));
        match parent {
            Some(parent) => space.mutate(&parent.genotype, rng),
            None => space.sample(rng),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    fn space() -> SearchSpace {
        SearchSpace::from_toml(SearchSpace::embedded("mobilenet-small-images").unwrap()).unwrap()
    }

    /// Accuracy that rewards the sum of all genes: evolution has to climb it.
    fn reward(genotype: &Genotype) -> f64 {
        genotype.genes.iter().map(|&gene| f64::from(gene)).sum()
    }

    fn run(strategy: &dyn Strategy, trials: usize, seed: u64) -> f64 {
        let space = space();
        let mut history: Vec<Evaluated> = Vec::new();
        for trial in 0..trials {
            let genotype = strategy.ask(&space, &history, &mut stream(seed, "test", trial as u64, 0));
            let accuracy = Some(reward(&genotype));
            history.push(Evaluated { genotype, accuracy });
        }
        history.iter().filter_map(|one| one.accuracy).fold(0.0, f64::max)
    }

    #[test]
    fn evolution_climbs_further_than_random_search() {
        let evolution = Evolution {
            population: 16,
            sample: 4,
        };
        let wins = (0..20).filter(|&seed| run(&evolution, 200, seed) > run(&super::super::RandomSearch, 200, seed));
        assert!(wins.count() >= 18);
    }

    #[test]
    fn the_oldest_die() {
        // The best candidate is the oldest and out of the population: no child of it may appear.
        let space = space();
        let mut rng = stream(1, "test", 0, 0);
        let mut history: Vec<Evaluated> = (0..9)
            .map(|index| Evaluated {
                genotype: space.sample(&mut rng),
                accuracy: Some(f64::from(10 - index)),
            })
            .collect();
        history[0].genotype.family = 0;
        history[0].genotype = space.sample(&mut rng);
        let evolution = Evolution {
            population: 8,
            sample: 64,
        };
        let child = evolution.ask(&space, &history, &mut rng);
        let changed = |parent: &Genotype| {
            parent.family == child.family
                && parent
                    .genes
                    .iter()
                    .zip(&child.genes)
                    .filter(|(one, other)| one != other)
                    .count()
                    <= 5
        };
        assert!(changed(&history[1].genotype));
        assert!(!changed(&history[0].genotype) || history[0].genotype == history[1].genotype);
    }

    #[test]
    fn failed_trials_are_no_parents() {
        let space = space();
        let mut rng = stream(2, "test", 0, 0);
        let history: Vec<Evaluated> = (0..8)
            .map(|_| Evaluated {
                genotype: space.sample(&mut rng),
                accuracy: None,
            })
            .collect();
        // With nobody alive the answer is a random draw, not a panic.
        let drawn = Evolution {
            population: 4,
            sample: 2,
        }
        .ask(&space, &history, &mut rng);
        assert!(drawn.family < space.families.len());
    }
}

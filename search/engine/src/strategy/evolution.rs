//! Regularised evolution.

use std::collections::VecDeque;

use mnas_space::Genotype;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::spread::Spread;
use super::{Observation, Sampler, Search, Strategy};
use crate::problem::Problem;

/// Regularised evolution (Real et al., arXiv:1802.01548): the population is the youngest candidates; the most accurate
/// of a few drawn from it is mutated. The oldest leave the population independent of their accuracy, so that a lucky result does
/// not stay forever.
#[derive(Debug, Clone, Copy)]
pub struct Evolution {
    /// Candidates alive at a time; as many are drawn at random, spread over the sizes, before the first mutation.
    pub population: usize,
    /// Candidates that compete to be a parent.
    pub sample: usize,
}

impl Strategy for Evolution {
    fn name(&self) -> &'static str {
        "evolution"
    }

    fn begin<'a>(&'a self, problem: &'a Problem) -> Box<dyn Search + 'a> {
        Box::new(Population {
            settings: *self,
            problem,
            spread: Spread::new(problem),
            members: VecDeque::new(),
        })
    }
}

struct Population<'a> {
    settings: Evolution,
    problem: &'a Problem,
    spread: Spread<'a>,
    /// The youngest candidates with their accuracies, or rewards, the oldest first.
    members: VecDeque<(f64, Genotype)>,
}

impl Search for Population<'_> {
    fn settle(&mut self, observation: &Observation) {
        if let Some(accuracy) = observation.accuracy {
            if self.members.len() == self.settings.population {
                self.members.pop_front();
            }
            let value = self.problem.value(&observation.costs, accuracy);
            self.members.push_back((value, observation.genotype.clone()));
        }
    }

    fn prepare<'s>(&'s self, _pending: &'s [Observation]) -> Box<dyn Sampler + 's> {
        Box::new(self)
    }
}

impl Sampler for &Population<'_> {
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype {
        let draw = |rng: &mut ChaCha8Rng| &self.members[rng.random_range(0..self.members.len())];
        if self.members.len() < self.settings.population {
            return self.spread.draw(rng);
        }
        let first = draw(rng);
        let best = (1..self.settings.sample).fold(first, |best, _| {
            let drawn = draw(rng);
            // Of equals, the last drawn.
            if drawn.0 >= best.0 { drawn } else { best }
        });
        self.problem.space.mutate(&best.1, rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Observation;
    use crate::strategy::tests::{observation, problem};
    use mnas_space::random::stream;

    fn draw(evolution: Evolution, settled: &[Observation], rng: &mut ChaCha8Rng) -> Genotype {
        let problem = problem();
        let mut search = evolution.begin(&problem);
        for observation in settled {
            search.settle(observation);
        }
        search.prepare(&[]).draw(rng)
    }

    #[test]
    fn the_oldest_leave_the_population() {
        // The best candidate is the oldest and out of the population: no child of it may appear.
        let problem = problem();
        let mut rng = stream(1, "test", 0, 0);
        let history: Vec<Observation> = (0..9)
            .map(|index| observation(&problem, problem.space.sample(&mut rng), Some(f64::from(10 - index))))
            .collect();
        let evolution = Evolution {
            population: 8,
            sample: 64,
        };
        let child = draw(evolution, &history, &mut rng);
        let changed = |parent: &Genotype| {
            let differing = parent
                .genes
                .iter()
                .zip(&child.genes)
                .filter(|(one, other)| one != other);
            parent.family == child.family && differing.count() <= 5
        };
        assert!(changed(&history[1].genotype));
        assert!(!changed(&history[0].genotype) || history[0].genotype == history[1].genotype);
    }

    #[test]
    fn failed_trials_are_no_parents() {
        let problem = problem();
        let mut rng = stream(2, "test", 0, 0);
        let history: Vec<Observation> = (0..8)
            .map(|_| observation(&problem, problem.space.sample(&mut rng), None))
            .collect();
        // With an empty population, the proposal is a random draw.
        let evolution = Evolution {
            population: 4,
            sample: 2,
        };
        let drawn = draw(evolution, &history, &mut rng.clone());
        assert_eq!(drawn, Spread::new(&problem).draw(&mut rng));
    }
}

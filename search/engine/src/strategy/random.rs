use mnas_space::{Genotype, SearchSpace};
use rand_chacha::ChaCha8Rng;

use super::{History, Sampler, Strategy};
use crate::problem::Problem;

/// Independent draws from the space.
#[derive(Debug, Clone, Copy)]
pub struct RandomSearch;

impl Strategy for RandomSearch {
    fn name(&self) -> &'static str {
        "random"
    }

    fn prepare<'a>(&'a self, problem: &'a Problem, _history: History<'a>) -> Box<dyn Sampler + 'a> {
        Box::new(Draws(&problem.space))
    }
}

struct Draws<'a>(&'a SearchSpace);

impl Sampler for Draws<'_> {
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype {
        self.0.sample(rng)
    }
}

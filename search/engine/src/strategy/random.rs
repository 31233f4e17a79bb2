//! Random search.

use mnas_space::Genotype;
use rand_chacha::ChaCha8Rng;

use super::spread::Spread;
use super::{Observation, Sampler, Search, Strategy};
use crate::problem::Problem;

/// Draws that do not depend on results, spread over the sizes up to the bound.
#[derive(Debug, Clone, Copy)]
pub struct RandomSearch;

impl Strategy for RandomSearch {
    fn name(&self) -> &'static str {
        "random"
    }

    fn begin<'a>(&'a self, problem: &'a Problem) -> Box<dyn Search + 'a> {
        Box::new(Draws(Spread::new(problem)))
    }
}

struct Draws<'a>(Spread<'a>);

impl Search for Draws<'_> {
    fn settle(&mut self, _observation: &Observation) {}

    fn prepare<'s>(&'s self, _pending: &'s [Observation]) -> Box<dyn Sampler + 's> {
        Box::new(&self.0)
    }
}

impl Sampler for &Spread<'_> {
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype {
        Spread::draw(self, rng)
    }
}

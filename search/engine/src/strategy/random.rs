use mnas_space::{Genotype, SearchSpace};
use rand_chacha::ChaCha8Rng;

use super::{Evaluated, Strategy};

/// Independent draws from the space.
#[derive(Debug, Clone, Copy)]
pub struct RandomSearch;

impl Strategy for RandomSearch {
    fn ask(&self, space: &SearchSpace, _history: &[Evaluated], rng: &mut ChaCha8Rng) -> Genotype {
        space.sample(rng)
    }
}

//! What to try next.
//!
//! A strategy is a function of the study's history, not an object with a memory: asked twice with the same history and
//! random stream, it gives the same answer. That is what makes a resumed study equal to an undisturbed one.

mod evolution;
mod random;

pub use evolution::Evolution;
pub use random::RandomSearch;

use mnas_space::{Genotype, SearchSpace};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// One evaluated candidate, as strategies see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// What was tried.
    pub genotype: Genotype,
    /// Validation top-1 in percent; `None` where the trial failed.
    pub accuracy: Option<f64>,
}

/// Proposes candidates.
pub trait Strategy {
    /// A genotype to try, given all evaluated candidates in the order they were proposed.
    ///
    /// The caller asks again, with the stream as it was left, when the answer breaks the budget or is already known.
    fn ask(&self, space: &SearchSpace, history: &[Evaluated], rng: &mut ChaCha8Rng) -> Genotype;
}

/// Which strategy a study uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StrategyConfig {
    /// [`RandomSearch`]
    Random {},
    /// [`Evolution`]
    Evolution {
        /// Candidates alive at a time.
        population: usize,
        /// Candidates that compete to be a parent.
        sample: usize,
    },
}

impl StrategyConfig {
    /// Regularised evolution sized for a study of `trials` trials: a third of them are drawn at random first, at least 4
    /// and at most 50, and a quarter of the population competes.
    pub fn evolution_for(trials: usize) -> Self {
        let population = (trials / 3).clamp(4, 50);
        Self::Evolution {
            population,
            sample: (population / 4).max(2),
        }
    }

    /// The strategy itself.
    pub fn build(self) -> Box<dyn Strategy> {
        match self {
            Self::Random {} => Box::new(RandomSearch),
            Self::Evolution { population, sample } => Box::new(Evolution { population, sample }),
        }
    }

    /// The strategy's name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random {} => "random",
            Self::Evolution { .. } => "evolution",
        }
    }
}

//! Search strategies: what to try next.
//!
//! A strategy is a function of a study's history, without a memory of its own: [`Strategy::prepare`] does once what depends
//! on the history (fitting a model, selecting a population), and the [`Sampler`] that it returns is drawn from as often as
//! needed. The draws are a function of the history and of the random stream; that makes a resumed study equal to an
//! undisturbed one, whatever the number of workers.

mod evolution;
mod random;

pub use evolution::Evolution;
pub use random::RandomSearch;

use std::fmt;

use mnas_space::{ArchitectureId, Genotype};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::problem::{Costs, Problem};

/// A network that was tried or is being tried, as strategies see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Its choices in the problem's space.
    pub genotype: Genotype,
    /// Its identity.
    pub id: ArchitectureId,
    /// Its costs.
    pub costs: Costs,
    /// Validation top-1 in percent; `None` where the trial failed or is not settled.
    pub accuracy: Option<f64>,
}

/// Everything that a proposal may depend on.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// Settled trials in the order of their proposal: those that belong to the space and keep the constraints.
    pub settled: &'a [Observation],
    /// Trials proposed after those, whose results are not to be used; in the order of their proposal.
    pub pending: &'a [Observation],
}

/// Proposes networks.
pub trait Strategy: fmt::Debug + Send + Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// Prepares draws for a history; whatever depends on the history alone is computed here, once.
    fn prepare<'a>(&'a self, problem: &'a Problem, history: History<'a>) -> Box<dyn Sampler + 'a>;
}

/// Draws proposals for one history.
pub trait Sampler {
    /// Draws the next genotype to try.
    ///
    /// The caller draws again, with the stream as it was left, where the network may not be tried or is known already.
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype;
}

/// A strategy and its settings, as a study's configuration holds it.
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
    /// Names of all strategies.
    pub const NAMES: [&'static str; 2] = ["random", "evolution"];

    /// The strategy of a name with settings for a study of `trials` trials; `None` for an unknown name.
    pub fn named(name: &str, trials: usize) -> Option<Self> {
        match name {
            "random" => Some(Self::Random {}),
            "evolution" => Some(Self::evolution_for(trials)),
            _ => None,
        }
    }

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

    /// The first setting out of range, in words.
    pub fn fault(self) -> Option<String> {
        match self {
            Self::Evolution { population, sample } if population == 0 || sample == 0 => Some(format!(
                "evolution: population {population}, sample {sample}; expected at least 1 of each"
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

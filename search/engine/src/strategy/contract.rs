//! The contract of a strategy: observations in, proposals out.

use std::fmt;

use mnas_space::{ArchitectureId, Genotype};
use rand_chacha::ChaCha8Rng;

use crate::problem::{Costs, Problem};

/// A network that was or is being evaluated, as input of strategies.
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

/// Proposes networks.
pub trait Strategy: fmt::Debug + Send + Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// Begins a search without results.
    fn begin<'a>(&'a self, problem: &'a Problem) -> Box<dyn Search + 'a>;
}

/// A search under way.
///
/// Its state is a function of the observations absorbed, in their order; preparing and drawing do not change it.
pub trait Search {
    /// Absorbs the next settled trial that belongs to the space and keeps the constraints.
    fn settle(&mut self, observation: &Observation);

    /// Prepares draws, given the trials proposed after those absorbed, whose results must not be used.
    fn prepare<'s>(&'s self, pending: &'s [Observation]) -> Box<dyn Sampler + 's>;
}

/// Draws proposals.
pub trait Sampler {
    /// Draws the next genotype to try.
    ///
    /// The caller draws again from the same stream if the network breaks a constraint or is known already.
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype;
}

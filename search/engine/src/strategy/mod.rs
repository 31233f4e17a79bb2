//! Search strategies, which propose the next candidates.
//!
//! A strategy begins a [`Search`], which absorbs the results of trials in the order of their proposal and is prepared for
//! each draw: [`Search::prepare`] does once the work that depends on the results alone (fitting a model, selecting a population), and
//! the [`Sampler`] that it returns is drawn from as often as needed. Draws are a function of the results absorbed, the
//! pending trials and the random stream; that makes a resumed study equal to an uninterrupted one, independent of the number of
//! workers.

mod config;
mod contract;
mod evolution;
mod local;
mod model;
mod nsga2;
mod random;
mod spread;
#[cfg(test)]
mod tests;

pub use config::StrategyConfig;
pub use contract::{Observation, Sampler, Search, Strategy};
pub use evolution::Evolution;
pub use local::LocalSearch;
pub use model::{Gain, ModelGuided};
pub use nsga2::Nsga2;
pub use random::RandomSearch;

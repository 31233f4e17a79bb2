//! Search guided by a regression of accuracies.
//!
//! `settings` holds the user's settings, `guided` the results and their regression, `acquisition` the expected gain of a
//! network, `candidates` the networks to choose among, `samplers` the draws; `search` implements the strategy.

mod acquisition;
mod candidate;
mod candidates;
mod guided;
mod samplers;
mod search;
mod settings;

pub use settings::{Gain, ModelGuided};

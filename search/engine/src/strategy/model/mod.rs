//! Search guided by a regression of accuracies.
//!
//! `settings` holds what a user chooses, `guided` the results with the regression of them, `acquisition` the gain that is
//! expected of a network, `candidates` the networks to choose among, `samplers` the draws; `search` makes a strategy of them.

mod acquisition;
mod candidate;
mod candidates;
mod guided;
mod samplers;
mod search;
mod settings;

pub use settings::{Gain, ModelGuided};

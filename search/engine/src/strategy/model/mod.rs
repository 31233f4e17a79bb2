//! Search guided by a regression of accuracies.
//!
//! `settings` holds the user's settings, `guided` the results and their regressions (`regressor`), `acquisition` the expected gain of a
//! network, `candidates` the networks to choose among, `samplers` the draws, `screening` the
//! choice by signals; `search` implements the strategy.

mod acquisition;
mod candidate;
mod candidates;
mod guided;
mod regressor;
mod samplers;
mod screening;
mod search;
mod settings;

pub use settings::{Gain, ModelGuided};

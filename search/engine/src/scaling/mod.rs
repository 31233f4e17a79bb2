//! Scaling of one network: the best width, depth and resolution under a latency budget ([`scale_under_budget`]), and
//! compound scaling fitted to accuracies ([`fit_compound`]).
//!
//! Accuracies come from a function, so that predicted and trained ones are used alike.

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        reason = "tests compare numbers that are computed in the same way"
    )
)]

mod accuracy;
mod compound;
mod error;
mod grid;

pub use accuracy::Accuracy;
pub use compound::{CompoundCandidate, CompoundFit, CompoundOptions, CompoundStep, fit_compound};
pub use error::ScalingError;
pub use grid::{ScaledGrid, ScaledRow, ScalingGrid, scale_under_budget};

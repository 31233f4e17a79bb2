//! Search engine: strategies, studies, journals and the protocol of workers, without libtorch and without drawing.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod contradiction;
pub mod evaluator;
pub mod files;
pub mod front;
pub mod imagenet;
pub mod problem;
pub mod ranking;
#[cfg(test)]
#[path = "../../../tests/support/real_data.rs"]
mod real_data;
pub mod regression;
pub mod scaling;
pub mod strategy;
pub mod study;
pub mod training;
pub mod worker;

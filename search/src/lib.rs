//! What to try next and how good it is: data sets, training, strategies, studies, reports, and the `mnas` command.
//!
//! A search reads from top to bottom as `study` -> `strategy` -> `worker` -> `train` -> `report`.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cli;
pub mod data;
pub mod export;
pub mod files;
mod random;
pub mod report;
pub mod strategy;
pub mod study;
mod torch_runtime;
pub mod train;
pub mod worker;

pub use cli::run;

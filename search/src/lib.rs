//! The `mnas` command: subcommands, tables, reports.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod classifier;
mod cli;
pub mod comparison;
pub mod export;
pub mod predicted;
pub mod report;
pub mod study;
pub mod worker_client;

pub use cli::run;

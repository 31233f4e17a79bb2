//! Checks that interruptions change nothing: one study undisturbed, and again while its processes or machines are lost.
//!
//! `kills` and `slurm` are the two commands. `study` starts the search, `schedule` draws victims and moments of kills, `processes` finds
//! and kills, `outcome` compares.

mod kills;
mod outcome;
mod processes;
mod schedule;
mod slurm;
mod study;

pub use kills::kills;
pub use slurm::slurm;

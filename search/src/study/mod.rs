//! Tables, plots and files of a finished study.

mod outcome;
mod winners;

pub use outcome::{BestFiles, Outcome, outcome, redraw, write_best};
pub use winners::measure_winners;

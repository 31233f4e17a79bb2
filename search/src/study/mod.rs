//! Tables, plots and files of a finished study.

mod finals;
mod outcome;
mod winners;

pub use finals::FinalOutcome;
pub use outcome::{BestFiles, Outcome, outcome, redraw, write_best};
pub use winners::{MeasuredWinners, measure_winners};

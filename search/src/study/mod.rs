//! Tables, plots and files of a finished study.

mod best;
mod finals;
mod model_card;
mod outcome;
mod winners;

pub use best::{BestFiles, CalibrationImages, write_best};
pub use finals::FinalOutcome;
pub use outcome::{Outcome, outcome, redraw};
pub use winners::{MeasuredWinners, measure_winners};

//! Comparison of several studies: their fronts, and their courses over trials and over time.
//!
//! [`compare()`] reads the studies and refuses those whose numbers are not comparable; `course` follows one study through
//! its journal, `studies` holds the outcome, `figures` draws it.

mod compare;
mod course;
mod error;
mod figures;
mod studies;
#[cfg(test)]
mod tests;

pub use compare::compare;
pub use course::{Course, Step};
pub use error::ComparisonError;
pub use figures::{Progress, course_figure, fronts_figure};
pub use studies::{ComparedStudy, Comparison};

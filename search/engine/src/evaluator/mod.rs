//! Evaluators: a trial goes in, events come out.
//!
//! A [`TrialRequest`] says which network to evaluate, at which fidelity, with which seed, and from where to start. What
//! becomes of it is reported as [`EvaluatorEvent`]s, in any order among trials. Worker processes that train stand behind
//! this trait ([`WorkerPool`]), a recorded table ([`RecordedTable`]) and a function ([`FunctionEvaluator`]).

mod contract;
mod error;
mod function;
mod scorer;
mod table;
mod workers;

pub use contract::{Continuation, Evaluation, Evaluator, EvaluatorEvent, Fidelity, TrialRequest};
pub use error::{EvaluatorError, TableError};
pub use function::FunctionEvaluator;
pub use scorer::Scorer;
pub use table::RecordedTable;
pub use workers::{WorkerPool, WorkerSetup};

#[cfg(test)]
mod tests;

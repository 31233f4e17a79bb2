//! Evaluators: a trial goes in, events come out.
//!
//! A [`TrialRequest`] holds the network, fidelity, seed and checkpoint of a trial. Its progress and its result are reported as
//! [`EvaluatorEvent`]s, in any order among trials. The trait [`Evaluator`] is implemented by worker processes that train
//! ([`WorkerPool`]), a recorded table ([`RecordedTable`]) and a function ([`FunctionEvaluator`]).

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

//! Finalists: the best networks of a study, trained in full with another recipe, beside the references.
//!
//! Finalists are not trials: a study that continues after their training proposes the same candidates as without it.
//! [`choose_finalists`] selects them, the journal's [`FinalEvent`]s record their trainings, [`Finals`] is the state that follows
//! from the events, and [`Study::train_finalists`](super::Study::train_finalists) runs the trainings.

mod choice;
mod config;
mod run;
mod state;
#[cfg(test)]
mod tests;

pub use choice::{Choice, FinalRole, choose_finalists, ranked_networks};
pub use config::FinalsConfig;
pub use run::FinalsEvent;
pub use state::{FinalEvent, Finalist, Finals, Int8Latency, Int8Result};

//! Finalists: the best networks of a study, trained to the end with another recipe beside the references.
//!
//! They are no trials: a study that goes on after its finalists were trained proposes the candidates that it would have
//! proposed without them. [`choose_finalists`] selects them, the journal's [`FinalEvent`]s record their trainings,
//! [`Finals`] is what follows from these, and [`Study::train_finalists`](super::Study::train_finalists) makes it happen.

mod choice;
mod config;
mod run;
mod state;
#[cfg(test)]
mod tests;

pub use choice::{Choice, FinalRole, choose_finalists, ranked_networks};
pub use config::FinalsConfig;
pub use run::FinalsEvent;
pub use state::{FinalEvent, Finalist, Finals};

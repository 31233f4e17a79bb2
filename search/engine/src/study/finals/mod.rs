//! Finalists: the best networks of a study, trained to the end with another recipe beside the references.
//!
//! They are no trials: a study that goes on after its finalists were trained proposes the candidates that it would have
//! proposed without them. [`choose_finalists`] selects them, the journal's [`FinalEvent`]s record their trainings,
//! [`Finals`] is what follows from these, and [`Study::train_finalists`](super::Study::train_finalists) makes it happen.

mod choice;
mod run;
mod state;
#[cfg(test)]
mod tests;

pub use choice::{Choice, FinalRole, choose_finalists, ranked_networks};
pub(super) use run::FinalRun;
pub use run::FinalsEvent;
pub use state::{FinalEvent, Finalist, Finals};

use serde::{Deserialize, Serialize};

use crate::training::Recipe;

/// Final trainings of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FinalsConfig {
    /// Number of networks that are trained to the end; 0 for none.
    pub count: usize,
    /// Their recipe. What is trained is the deployed network.
    pub recipe: Recipe,
}

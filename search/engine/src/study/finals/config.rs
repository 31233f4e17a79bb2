//! Settings of final trainings.

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

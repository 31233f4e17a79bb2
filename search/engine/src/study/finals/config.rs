//! Settings of final trainings.

use serde::{Deserialize, Serialize};

use crate::training::Recipe;

/// Final trainings of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FinalsConfig {
    /// Number of networks that are trained in full; 0 for none.
    pub count: usize,
    /// Recipe of the final trainings, which train the deployed networks.
    pub recipe: Recipe,
    /// Largest number of images per split, independent of the limit of trials. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
}

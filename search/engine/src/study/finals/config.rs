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
    /// Largest number of images per split, whatever the trials are limited to. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
}

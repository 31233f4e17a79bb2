//! Parents: trained networks from which others inherit.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Trained network from which others inherit their initial weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ParentWeights {
    /// Architecture of the weights, as a string. Weights that name their classes decide their number.
    pub architecture: String,
    /// Weight file.
    pub weights: PathBuf,
}

//! Record of warm starts in the configuration of a study.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A study whose results another one began with, as `study.toml` holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WarmStartConfig {
    /// Folder of the study, as it was given.
    pub study: PathBuf,
    /// Number of its results that were imported.
    pub trials: usize,
}

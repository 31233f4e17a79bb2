//! The purpose of a trial.

use serde::{Deserialize, Serialize};

/// The purpose of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialKind {
    /// A network drawn from the space.
    Candidate,
    /// A network of the space with the result of another study's trial.
    Imported {
        /// Folder of the other study, as it was given.
        study: String,
        /// Number of the trial there.
        trial: u64,
    },
    /// A published network, evaluated beside the candidates for comparison.
    Reference {
        /// Its name, such as `mobilenet-v2`.
        name: String,
        /// Its name in plots: `MobileNetV2`.
        title: String,
        /// Width multiplier.
        width: f64,
    },
}

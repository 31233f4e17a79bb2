//! Errors of inheritance.

use std::path::PathBuf;

use mnas_engine::training::weights::WeightsError;

/// Weights that a network cannot inherit.
#[derive(Debug, thiserror::Error)]
pub enum InheritanceError {
    /// The parent's weights cannot be read or belong to another network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The parent's weights contain infinite numbers or NaN.
    #[error(
        "{}: tensor `{tensor}` contains {value}; the training of the parent has diverged, take weights of finite numbers",
        path.display()
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Value found.
        value: f32,
    },
    /// No block of the network corresponds to one of the parent.
    #[error(
        "{child} has no block that can be cut from {parent}: blocks correspond where both networks have the same strides; search \
         the space that `mnas space --around` writes for the parent"
    )]
    NothingInCommon {
        /// The parent, as a string.
        parent: String,
        /// The network that would inherit, as a string.
        child: String,
    },
    /// The architecture of the parent cannot be read.
    #[error("the parent's architecture {architecture:?}: {problem}")]
    Architecture {
        /// Text of the architecture.
        architecture: String,
        /// Fault found.
        problem: String,
    },
}

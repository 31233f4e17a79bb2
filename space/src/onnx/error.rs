//! Errors of the ONNX writer.

use super::options::MAX_FILE_BYTES;
use crate::weights::WeightError;

/// Error in writing a network as ONNX.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OnnxError {
    /// The weights do not fit the network.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The weights alone exceed the largest size of a file.
    #[error(
        "the network has {bytes} bytes of weights, but an ONNX file holds at most {MAX_FILE_BYTES}; use a smaller network"
    )]
    TooLarge {
        /// Size of the weights in bytes.
        bytes: u64,
    },
    /// The batch is fixed to 0 images.
    #[error("the batch is 0 images; use at least 1, or a dynamic batch")]
    EmptyBatch,
}

//! Errors of the TFLite writer.

use super::options::MAX_FILE_BYTES;
use crate::weights::WeightError;

/// Error in writing a network as TFLite.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TfliteError {
    /// The weights do not fit the network.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The weights alone exceed the largest size of a file.
    #[error(
        "the network has {bytes} bytes of weights, but a TFLite file holds at most {MAX_FILE_BYTES}; use a smaller network"
    )]
    TooLarge {
        /// Size of the weights in bytes.
        bytes: u64,
    },
    /// A weight is too large for a 16-bit float, or is not finite and has no scale for 8-bit integers.
    #[error("tensor `{name}` has the value {value}, which {precision} cannot hold; use fp32 for these weights")]
    Unrepresentable {
        /// Name of the tensor.
        name: String,
        /// Value, with batch-norm folded in.
        value: f32,
        /// Name of the precision.
        precision: &'static str,
    },
    /// An activation was not calibrated.
    #[error("no range of values for `{name}`; calibrate the network for int8 with images first")]
    MissingRange {
        /// Name of the node that computes the activation, or of the input.
        name: String,
    },
    /// The number of labels differs from the number of classes.
    #[error("{labels} labels for a network of {classes} classes")]
    WrongLabels {
        /// Number of labels.
        labels: usize,
        /// Number of classes.
        classes: usize,
    },
}

//! Errors of the TFLite writer.

use super::options::MAX_FILE_BYTES;
use crate::weights::WeightError;

/// Error of writing a network as TFLite.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TfliteError {
    /// The weights do not fit the network.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The weights alone exceed the largest size of a file.
    #[error("the network has {bytes} bytes of weights, but a TFLite file ends at {MAX_FILE_BYTES}; take a smaller one")]
    TooLarge {
        /// Size of the weights in bytes.
        bytes: u64,
    },
    /// A weight has no 16-bit float, or no scale for 8-bit integers.
    #[error("tensor `{name}` has the value {value}, which {precision} cannot hold; use fp32 for these weights")]
    Unrepresentable {
        /// Name of the tensor.
        name: String,
        /// Value with batch-norm folded.
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
    /// The labels are fewer or more than the classes.
    #[error("{labels} labels for a network of {classes} classes")]
    WrongLabels {
        /// Number of labels.
        labels: usize,
        /// Number of classes.
        classes: usize,
    },
}

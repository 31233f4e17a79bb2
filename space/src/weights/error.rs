//! Errors of weights that do not fit a network.

/// Error of weights that do not fit a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WeightError {
    /// The weights lack a tensor.
    #[error("the weights have no tensor `{name}` (shape {shape:?}); they must belong to the same architecture")]
    MissingTensor {
        /// Name of the tensor.
        name: String,
        /// Shape in the graph.
        shape: Vec<usize>,
    },
    /// The number of values of a tensor does not match its shape in the graph.
    #[error(
        "tensor `{name}` has {found} values, but its shape {shape:?} needs {}; the weights must belong to the same \
         architecture", .shape.iter().product::<usize>()
    )]
    WrongLength {
        /// Name of the tensor.
        name: String,
        /// Shape in the graph.
        shape: Vec<usize>,
        /// Number of values in the weights.
        found: usize,
    },
    /// A running variance is negative or not a number, so that batch-norm is undefined.
    #[error("tensor `{name}` is {value} at channel {channel}; a variance must be a number of at least 0")]
    BadVariance {
        /// Name of the tensor.
        name: String,
        /// Channel of the value.
        channel: usize,
        /// Variance found.
        value: f32,
    },
}

//! Networks as ONNX files.
//!
//! [`encode`] turns a [`Graph`](crate::Graph) and its weights into the bytes of an `.onnx` file: 32-bit floats,
//! standard operators of opset 17 (understood by ONNX Runtime 1.12 and later, and old enough for mobile converters),
//! batch-norm folded into the convolutions unless asked otherwise. Whole networks and single blocks are written the
//! same way. The same graph, weights and options always give the same bytes.
//!
//! ```
//! use mnas_space::{Architecture, onnx};
//! let graph = "in32,conv_k3_s2_c16_nhs,head_o10".parse::<Architecture>()?.graph();
//! let bytes = onnx::encode(&graph, &onnx::RandomWeights { seed: 1 }, &onnx::OnnxOptions::default())?;
//! assert!(!bytes.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod composed;
mod fold;
mod proto;
mod weights;
mod writer;

#[cfg(test)]
mod tests;

pub use weights::{RandomWeights, WeightSource};
pub use writer::encode;

/// Name of the network's input in the file, `[batch, channels, height, width]`.
pub const INPUT_NAME: &str = "input";
/// Name of the output of a graph that ends with the classifier, `[batch, classes]`.
pub const LOGITS_NAME: &str = "logits";
/// Name of the output of any other graph, `[batch, channels, height, width]`.
pub const OUTPUT_NAME: &str = "output";
/// Version of the standard operators that files use.
pub const OPSET: i64 = 17;
/// Version of the file format, the one that belongs to [`OPSET`].
pub const IR_VERSION: i64 = 8;
/// Protocol buffers, and so ONNX files without external data, end at 2 GiB.
pub const MAX_FILE_BYTES: u64 = i32::MAX as u64;

/// How many images a file computes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Batch {
    /// Always this many, at least 1; lets runtimes plan memory ahead.
    Fixed(u32),
    /// Decided at run time.
    Dynamic,
}

/// How a file is written.
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxOptions {
    /// Name of the graph, `network` by default.
    pub name: String,
    /// Whether batch-norm becomes part of the convolution before it, as in deployment; `true` by default.
    pub fold_batch_norm: bool,
    /// Notes kept in the file, such as the architecture string; none by default.
    pub metadata: Vec<(String, String)>,
    /// Images per run, 1 by default.
    pub batch: Batch,
}

impl Default for OnnxOptions {
    fn default() -> Self {
        Self {
            name: "network".to_owned(),
            fold_batch_norm: true,
            metadata: Vec::new(),
            batch: Batch::Fixed(1),
        }
    }
}

/// Why a network cannot be written as ONNX.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OnnxError {
    /// The weights lack a tensor.
    #[error("the weights have no tensor `{name}` (shape {shape:?}); they must belong to the same architecture")]
    MissingTensor {
        /// The tensor's name.
        name: String,
        /// Its shape in the graph.
        shape: Vec<usize>,
    },
    /// A tensor of the weights does not fit the graph.
    #[error(
        "tensor `{name}` has {found} values, but its shape {shape:?} needs {}; the weights must belong to the same \
         architecture", .shape.iter().product::<usize>()
    )]
    WrongLength {
        /// The tensor's name.
        name: String,
        /// Its shape in the graph.
        shape: Vec<usize>,
        /// Values that the weights have.
        found: usize,
    },
    /// A running variance is negative or not a number, so that batch-norm has no value.
    #[error("tensor `{name}` is {value} at channel {channel}; a variance must be a number of at least 0")]
    BadVariance {
        /// The tensor's name.
        name: String,
        /// Where in it.
        channel: usize,
        /// What stands there.
        value: f32,
    },
    /// The weights alone go beyond what a file can hold.
    #[error("the network has {bytes} bytes of weights, but an ONNX file ends at {MAX_FILE_BYTES}; take a smaller one")]
    TooLarge {
        /// Size of the weights.
        bytes: u64,
    },
    /// A batch of no images was asked for.
    #[error("the batch is 0 images; use at least 1, or a dynamic batch")]
    EmptyBatch,
}

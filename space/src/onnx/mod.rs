//! ONNX files of networks.
//!
//! [`encode`] turns a [`Graph`](crate::Graph) and its weights into the bytes of an `.onnx` file: 32-bit floats,
//! standard operators of opset 17 (read by ONNX Runtime 1.12 and later, and by converters for mobile runtimes), and
//! batch-norm folded into the convolutions by default. Whole networks and single layers are written in the same way. Equal
//! graphs, weights and options give equal bytes.
//!
//! ```
//! use mnas_space::{Architecture, onnx};
//! let graph = "in32,conv_k3_s2_c16_nhs,head_o10".parse::<Architecture>()?.graph();
//! let bytes = onnx::encode(&graph, &onnx::RandomWeights { seed: 1 }, &onnx::OnnxOptions::default())?;
//! assert!(!bytes.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod composed;
mod error;
mod options;
mod proto;
mod writer;

#[cfg(test)]
mod tests;

pub use error::OnnxError;
pub use options::{Batch, INPUT_NAME, IR_VERSION, LOGITS_NAME, MAX_FILE_BYTES, OPSET, OUTPUT_NAME, OnnxOptions};
pub use writer::encode;

pub use crate::weights::{RandomWeights, WeightSource};

//! TFLite files of networks, for LiteRT (formerly TensorFlow Lite).
//!
//! [`encode`] turns a [`Graph`](crate::Graph) and its weights into the bytes of a `.tflite` file: feature maps in the
//! layout `[batch, height, width, channels]`, batch-norm and layer scale folded into the convolutions, `ReLU` and `ReLU6`
//! fused into the operators before them, and one signature with names. Weights are 32-bit or 16-bit floats, or weights
//! and activations are 8-bit integers. Whole networks and single layers are written in the same way. Equal graphs,
//! weights and options give equal bytes.
//!
//! | module | content |
//! |---|---|
//! | `fuse` | division of the graph into steps of one operator each |
//! | `lower` | operators and constants of each step: a `program`, with `padding` and `weights` in TFLite's layouts |
//! | `store` | types, quantisation and bytes of its values, by precision |
//! | `file` | the program as tables of the `schema`, written by `flatbuffer` |
//! | `notes` | reader of the notes in a file |
//! | `classifier` | TFLite's metadata of image classifiers, with labels in an `archive` |
//!
//! ```
//! use mnas_space::{Architecture, RandomWeights, tflite};
//! let graph = "in32,conv_k3_s2_c16_nhs,head_o10".parse::<Architecture>()?.graph();
//! let bytes = tflite::encode(&graph, &RandomWeights { seed: 1 }, &tflite::TfliteOptions::default())?;
//! assert_eq!(&bytes[4..8], b"TFL3");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod classifier;
mod error;
mod file;
mod flatbuffer;
mod fuse;
mod lower;
mod notes;
mod operator;
mod options;
mod padding;
mod program;
mod schema;
mod store;
mod weights;

#[cfg(test)]
mod tests;

pub use error::TfliteError;
pub use fuse::activations;
pub use notes::read_notes;
pub use options::{
    Classifier, INPUT_NAME, Interface, LOGITS_NAME, MAX_FILE_BYTES, OUTPUT_NAME, Outputs, Precision, SIGNATURE,
    TfliteOptions,
};

use crate::graph::Graph;
use crate::weights::WeightSource;

/// Writes `graph` with `weights` as a TFLite file.
///
/// The input is called [`INPUT_NAME`], the output [`LOGITS_NAME`] if the graph ends with the classifier and
/// [`OUTPUT_NAME`] otherwise. Other values are named after their nodes.
///
/// Weights that do not fit the graph or the precision, weights too large for a file, missing ranges and a wrong number of
/// labels are errors.
pub fn encode(graph: &Graph, weights: &dyn WeightSource, options: &TfliteOptions) -> Result<Vec<u8>, TfliteError> {
    let bytes = graph
        .parameters()
        .map(|parameter| 4 * parameter.elements() as u64)
        .sum();
    if bytes > MAX_FILE_BYTES {
        return Err(TfliteError::TooLarge { bytes });
    }
    let mut notes: Vec<(String, Vec<u8>)> = options
        .metadata
        .iter()
        .map(|(name, text)| (name.clone(), text.clone().into_bytes()))
        .collect();
    if let Some(classifier) = &options.classifier {
        notes.push(classifier::encode(classifier, graph, &options.description)?);
    }
    let program = lower::lower(graph, weights, options)?;
    let stored = store::store(&program, &options.precision)?;
    let is_int8 = matches!(options.precision, Precision::Int8 { .. });
    let mut file = file::encode(&program, stored, notes, is_int8, options);
    if let Some(labels) = options.classifier.as_ref().and_then(classifier::labels) {
        archive::append(&mut file, classifier::LABELS_FILE, &labels);
    }
    Ok(file)
}

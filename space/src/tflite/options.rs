//! Properties of TFLite files and options for writing them.

use crate::quantisation::Ranges;

/// Name of the input, `[1, height, width, channels]`.
pub const INPUT_NAME: &str = "input";
/// Name of the output of a graph that ends with the classifier, `[1, classes]`.
pub const LOGITS_NAME: &str = "logits";
/// Name of the output of any other graph, `[1, height, width, channels]`.
pub const OUTPUT_NAME: &str = "output";
/// Name of the only signature.
pub const SIGNATURE: &str = "serving_default";
/// Largest size of a file in bytes: some offsets of the format are signed 32-bit integers.
pub const MAX_FILE_BYTES: u64 = i32::MAX as u64;

/// Options of [`encode`](super::encode).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TfliteOptions {
    /// Description of the network in the file, such as its name; empty by default.
    pub description: String,
    /// Number format of weights and activations, 32-bit floats by default.
    pub precision: Precision,
    /// Outputs of the file, the graph's output by default.
    pub outputs: Outputs,
    /// Notes in the file, such as the architecture string; none by default.
    pub metadata: Vec<(String, String)>,
    /// Input and output of an image classifier for apps, in TFLite's own metadata; none by default.
    pub classifier: Option<Classifier>,
}

/// Number format of weights and activations.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    Float32,
    /// 16-bit floats for weights, which halve the file; computation in 32-bit floats.
    Float16,
    /// 8-bit integers for weights and activations.
    Int8 {
        /// Range of each tensor of [`activations`](super::activations).
        ranges: Ranges,
        /// Number format of the input and output.
        interface: Interface,
    },
}

impl Precision {
    /// Name in error messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Float32 => "fp32",
            Self::Float16 => "fp16",
            Self::Int8 { .. } => "int8",
        }
    }
}

/// Number format of the input and output of a file with 8-bit integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interface {
    /// 32-bit floats as in other files, converted by operators at both ends.
    #[default]
    Float32,
    /// 8-bit integers, for single layers and for devices without floating-point units.
    Int8,
}

/// Outputs of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outputs {
    /// Output of the graph.
    #[default]
    Last,
    /// All [`activations`](super::activations) except the input, in that order, for calibration.
    Activations,
}

/// Description of an image classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    /// Mean per channel that is subtracted from pixel values of 0 to 255.
    pub mean: Vec<f32>,
    /// Divisor per channel, applied after the subtraction.
    pub deviation: Vec<f32>,
    /// Names of the classes in order; empty if the classes have no names.
    pub labels: Vec<String>,
}

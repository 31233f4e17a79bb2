//! Properties of ONNX files and options for writing them.

/// Name of the input, `[batch, channels, height, width]`.
pub const INPUT_NAME: &str = "input";
/// Name of the output of a graph that ends with the classifier, `[batch, classes]`.
pub const LOGITS_NAME: &str = "logits";
/// Name of the output of any other graph, `[batch, channels, height, width]`.
pub const OUTPUT_NAME: &str = "output";
/// Version of the standard operator set that files use.
pub const OPSET: i64 = 17;
/// Version of the file format (intermediate representation) that goes with [`OPSET`].
pub const IR_VERSION: i64 = 8;
/// Largest size in bytes of a protocol buffer, and therefore of an ONNX file without external data.
pub const MAX_FILE_BYTES: u64 = i32::MAX as u64;

/// Batch size of a file: the number of images per inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Batch {
    /// Fixed number, at least 1; runtimes can plan their memory in advance.
    Fixed(u32),
    /// Number given at run time.
    Dynamic,
}

/// Options of [`encode`](super::encode).
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxOptions {
    /// Name of the graph, `network` by default.
    pub name: String,
    /// True to fold batch-norm into the preceding convolution, as in deployment; `true` by default.
    pub fold_batch_norm: bool,
    /// Notes in the file, such as the architecture string; none by default.
    pub metadata: Vec<(String, String)>,
    /// Batch size, 1 by default.
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

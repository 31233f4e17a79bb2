//! Properties of ONNX files and options for writing them.

/// Name of the input, `[batch, channels, height, width]`.
pub const INPUT_NAME: &str = "input";
/// Name of the output of a graph that ends with the classifier, `[batch, classes]`.
pub const LOGITS_NAME: &str = "logits";
/// Name of the output of any other graph, `[batch, channels, height, width]`.
pub const OUTPUT_NAME: &str = "output";
/// Version of the standard operators in files.
pub const OPSET: i64 = 17;
/// Version of the file format, that of [`OPSET`].
pub const IR_VERSION: i64 = 8;
/// Largest size of a protocol buffer, and so of an ONNX file without external data.
pub const MAX_FILE_BYTES: u64 = i32::MAX as u64;

/// Number of images per run of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Batch {
    /// Fixed number, at least 1, which lets runtimes plan their memory.
    Fixed(u32),
    /// Number chosen at run time.
    Dynamic,
}

/// Options of [`encode`](super::encode).
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxOptions {
    /// Name of the graph, `network` by default.
    pub name: String,
    /// True to fold batch-norm into the convolution before it, as in deployment; `true` by default.
    pub fold_batch_norm: bool,
    /// Notes in the file, such as the architecture string; none by default.
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

//! Runtimes and precisions, with their names in device files.

use serde::{Deserialize, Serialize};

/// Runtime that executes networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeKind {
    /// ONNX Runtime.
    OnnxRuntime,
    /// LiteRT, the runtime of phones, formerly TensorFlow Lite.
    LiteRt,
    /// libtorch in eager mode; not part of this crate, see [`crate::runtimes::open`].
    LibTorch,
    /// tract, a runtime in pure Rust (cargo feature `tract`).
    Tract,
    /// [`crate::runtimes::ReplayRuntime`]: times from a recorded table.
    Replay,
    /// No runtime: the device has only published figures, see [`crate::LatencyTable::published`].
    Published,
    /// [`crate::runtimes::FakeRuntime`]: simulated times, for tests and for trying the tools.
    Fake,
}

impl RuntimeKind {
    /// Name in device files.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::LiteRt => "litert",
            Self::LibTorch => "libtorch",
            Self::Tract => "tract",
            Self::Replay => "replay",
            Self::Published => "published",
            Self::Fake => "fake",
        }
    }
}

/// Number format of weights and activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    #[serde(rename = "fp32")]
    Float32,
    /// 8-bit integers: weights with a scale per channel, activations with one per tensor.
    #[serde(rename = "int8")]
    Int8,
}

impl Precision {
    /// Name in device files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "fp32",
            Self::Int8 => "int8",
        }
    }
}

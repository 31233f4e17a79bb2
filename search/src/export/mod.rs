//! Files of a network for other programs, checked by reading each back.
//!
//! A [`Format`] writes an [`ExportNetwork`] and reads the file back: [`export`] does both in a folder of its own beside the destination, and
//! moves the file into place only where the scores computed with it agree with those of libtorch. One module per format:
//!
//! | module | file | read back by |
//! |---|---|---|
//! | `onnx` | ONNX | ONNX Runtime |
//! | `tflite` | TFLite in 32-bit floats, 16-bit floats or 8-bit integers | LiteRT |
//! | `torch_script` | TorchScript | libtorch's interpreter, in `mnas-worker` |
//! | `pytorch` | Python module and safetensors | Python with PyTorch, where there is one |
//! | `safetensors` | safetensors | libtorch, in `mnas-worker` |
//! | `toml` | architecture as TOML | the parser |

mod check;
mod error;
mod format;
mod network;
mod notes;
mod onnx;
mod place;
mod pytorch;
mod safetensors;
mod tflite;
mod toml;
mod torch_script;
mod write;

#[cfg(test)]
mod tests;

pub use check::{Agreement, CHECKED_IMAGES, Check, Verifier, channels_first};
pub use error::ExportError;
pub use format::{Exported, Format};
pub use network::{ExportNetwork, Trained};
pub use notes::{Notes, labels};
pub use onnx::Onnx;
pub use pytorch::PyTorch;
pub use safetensors::SafetensorsFile;
pub use tflite::{CALIBRATION_IMAGES, Calibration, Tflite, TflitePrecision};
pub use toml::Toml;
pub use torch_script::TorchScript;
pub use write::{export, export_architecture};

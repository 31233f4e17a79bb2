//! Files of a network for other programs, checked by reading each back.
//!
//! A [`Format`] writes a [`Network`] and reads the file back: [`export`] does both in a folder of its own beside the destination, and
//! moves the file into place only where the scores computed with it agree with those of libtorch. One module a format:
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
mod network;
mod notes;
mod onnx;
mod place;
mod pytorch;
mod safetensors;
mod tflite;
mod toml;
mod torch_script;

#[cfg(test)]
mod tests;

use std::path::Path;

use mnas_space::Architecture;

pub use check::{Agreement, Check, Verifier, channels_first};
pub use error::ExportError;
pub use network::{Network, Trained};
pub use notes::{Notes, labels};
pub use onnx::Onnx;
pub use pytorch::PyTorch;
pub use safetensors::SafetensorsFile;
pub use tflite::{Calibration, Tflite, TflitePrecision};
pub use toml::Toml;
pub use torch_script::TorchScript;

/// File format of networks.
pub trait Format {
    /// Name on the command line.
    fn name(&self) -> &'static str;

    /// Writes the network to `path`, which lies in a folder of its own; a file that belongs to it may be written beside it. The
    /// verifier has the worker, which a format may need.
    fn write(&self, network: &Network, path: &Path, verifier: &Verifier) -> Result<(), ExportError>;

    /// Reads the file back and compares it with the network.
    fn check(&self, network: &Network, path: &Path, verifier: &Verifier) -> Result<Check, ExportError>;
}

/// File that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// Size in bytes, with that of files beside it.
    pub bytes: u64,
    /// Comparison with the network.
    pub check: Check,
}

/// Writes a network at `path`, unless what is read back from the file disagrees with the network.
pub fn export(
    network: &Network,
    format: &dyn Format,
    path: &Path,
    verifier: &Verifier,
) -> Result<Exported, ExportError> {
    place::place(path, |draft| {
        format.write(network, draft, verifier)?;
        format.check(network, draft, verifier)
    })
}

/// Writes an architecture as TOML.
pub fn export_architecture(architecture: &Architecture, path: &Path) -> Result<Exported, ExportError> {
    let network = Network::untrained(architecture.clone());
    export(&network, &Toml, path, &Verifier::new(architecture, None, None))
}

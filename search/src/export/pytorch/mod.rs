//! Python modules that build the network in PyTorch.

mod python;
mod source;

use std::path::{Path, PathBuf};

use mnas_engine::files;

use super::check::TOLERANCE;
use super::{Check, ExportError, ExportNetwork, Format, Verifier};
use python::Python;

/// Python source and, beside it, the weights in safetensors: both are needed, and PyTorch alone.
#[derive(Debug, Clone, Copy)]
pub struct PyTorch;

impl Format for PyTorch {
    fn name(&self) -> &'static str {
        "pytorch"
    }

    fn write(&self, network: &ExportNetwork, path: &Path, _verifier: &Verifier) -> Result<(), ExportError> {
        let trained = network.require(self.name())?;
        let weights = weights_of(path);
        trained.weights.write(&weights)?;
        let name = weights.file_name().unwrap_or_default().to_string_lossy();
        let text = source::source(network, trained, &name);
        Ok(files::write_atomically(path, text.as_bytes())?)
    }

    fn check(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<Check, ExportError> {
        let Some(python) = Python::find() else {
            return Ok(Check::Unchecked {
                reason: "there is no Python with PyTorch; name one in MNAS_PYTHON",
            });
        };
        let found = python.scores(path, network.graph.input, verifier.images())?;
        let agreement = verifier.compare(network, path, ("PyTorch", TOLERANCE), &found)?;
        Ok(Check::Agrees(agreement))
    }
}

/// The file of weights that belongs to a module.
pub fn weights_of(module: &Path) -> PathBuf {
    module.with_extension("safetensors")
}

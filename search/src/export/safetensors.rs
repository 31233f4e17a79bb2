//! Weight files.

use std::path::Path;

use super::check::TOLERANCE;
use super::{Check, ExportError, ExportNetwork, Format, Verifier};

/// safetensors with the names of the architecture's tensors.
#[derive(Debug, Clone, Copy)]
pub struct SafetensorsFile;

impl Format for SafetensorsFile {
    fn name(&self) -> &'static str {
        "safetensors"
    }

    fn write(&self, network: &ExportNetwork, path: &Path, _verifier: &Verifier) -> Result<(), ExportError> {
        Ok(network.require(self.name())?.weights.write(path)?)
    }

    fn check(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<Check, ExportError> {
        let found = verifier.libtorch(network, path)?;
        let agreement = verifier.compare(network, path, ("libtorch", TOLERANCE), &found)?;
        Ok(Check::Agrees(agreement))
    }
}

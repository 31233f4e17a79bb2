//! Weight files.

use std::path::Path;

use mnas_engine::training::weights::{PackageNetwork, Weights};

use super::check::TOLERANCE;
use super::{Check, ExportError, ExportNetwork, Format, Verifier};

/// safetensors with the names of the architecture's tensors, or of those in a package.
#[derive(Debug, Clone, Default)]
pub struct SafetensorsFile {
    /// Network of a package whose names the file has.
    pub package: Option<PackageNetwork>,
}

impl Format for SafetensorsFile {
    fn name(&self) -> &'static str {
        "safetensors"
    }

    fn write(&self, network: &ExportNetwork, path: &Path, _verifier: &Verifier) -> Result<(), ExportError> {
        let weights = &network.require(self.name())?.weights;
        match &self.package {
            Some(package) => package.renamed(weights).write(path)?,
            None => weights.write(path)?,
        }
        Ok(())
    }

    fn check(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<Check, ExportError> {
        if let Some(package) = &self.package {
            let found = Weights::read(path)?;
            let names_agree = package.is_inverse_of(&found.matching(&network.graph, path)?);
            let fitted = found.fitted(&network.graph, path)?;
            let weights = &network.require(self.name())?.weights;
            if !names_agree || !fitted.tensors().eq(weights.tensors()) {
                return Err(ExportError::Changed {
                    path: path.to_path_buf(),
                });
            }
        }
        let found = verifier.libtorch(network, path)?;
        let agreement = verifier.compare(network, path, ("libtorch", TOLERANCE), &found)?;
        Ok(Check::Agrees(agreement))
    }
}

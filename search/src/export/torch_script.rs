//! TorchScript files, which `mnas-worker` writes.

use std::path::Path;

use mnas_engine::files::FileError;
use mnas_engine::worker::{FromWorker, ToWorker, TorchScriptRequest};

use super::check::TOLERANCE;
use super::{Check, ExportError, ExportNetwork, Format, Verifier};
use crate::worker_client::WorkerError;

/// TorchScript of one image per run, with the weights in the file.
#[derive(Debug, Clone, Copy)]
pub struct TorchScript;

impl Format for TorchScript {
    fn name(&self) -> &'static str {
        "torchscript"
    }

    fn write(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<(), ExportError> {
        let output = std::path::absolute(path).map_err(|error| FileError::write(path, error))?;
        let request = TorchScriptRequest {
            architecture: network.architecture.to_string(),
            weights: network.require(self.name())?.source.clone(),
            output,
        };
        match verifier.request(&ToWorker::TorchScript(Box::new(request)))? {
            FromWorker::Written => Ok(()),
            other => Err(WorkerError::unexpected(&other).into()),
        }
    }

    fn check(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<Check, ExportError> {
        let found = verifier.torch_script(path, network.graph.input)?;
        let reader = "TorchScript's interpreter";
        let agreement = verifier.compare(network, path, (reader, TOLERANCE), &found)?;
        Ok(Check::Agrees(agreement))
    }
}

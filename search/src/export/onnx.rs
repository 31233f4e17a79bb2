//! ONNX files.

use std::path::Path;

use mnas_engine::files;
use mnas_engine::worker::Floats;
use mnas_space::onnx::{self, OnnxOptions};

use super::check::TOLERANCE;
use super::{Check, ExportError, ExportNetwork, Format, Verifier, notes};

/// ONNX with batch-norm folded or not, and notes on the network as metadata.
#[derive(Debug, Clone, Copy)]
pub struct Onnx {
    /// True to fold batch-norm into the convolutions before it.
    pub fold: bool,
}

impl Format for Onnx {
    fn name(&self) -> &'static str {
        "onnx"
    }

    fn write(&self, network: &ExportNetwork, path: &Path, _verifier: &Verifier) -> Result<(), ExportError> {
        let options = OnnxOptions {
            name: network.label(),
            fold_batch_norm: self.fold,
            metadata: notes::notes(network),
            ..OnnxOptions::default()
        };
        let bytes = onnx::encode(&network.graph, &network.require(self.name())?.weights, &options)?;
        Ok(files::write_atomically(path, &bytes)?)
    }

    fn check(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<Check, ExportError> {
        let Some(runtime) = &verifier.onnx_runtime else {
            return Ok(Check::Unchecked {
                reason: "ONNX Runtime is not installed, see `mnas doctor`",
            });
        };
        let mut session = runtime.open(&files::read(path)?, "exported file")?;
        let input = network.graph.input;
        let shape = [1, input.channels as usize, input.height as usize, input.width as usize];
        let scores = verifier
            .images()
            .iter()
            .map(|Floats(image)| Ok(Floats(session.infer(&shape, image.clone())?)));
        let found = scores.collect::<Result<Vec<_>, ExportError>>()?;
        let agreement = verifier.compare(network, path, ("ONNX Runtime", TOLERANCE), &found)?;
        Ok(Check::Agrees(agreement))
    }
}

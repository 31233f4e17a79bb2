//! A Python with PyTorch.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use mnas_engine::worker::Floats;
use mnas_space::Shape;

use crate::export::ExportError;

/// Program that computes scores with an exported module.
const CHECK: &str = include_str!("check.py");
/// Variable that names the interpreter.
const VARIABLE: &str = "MNAS_PYTHON";

/// Python interpreter that has PyTorch.
pub(super) struct Python {
    program: String,
}

impl Python {
    /// The interpreter that the environment names, else `python3`; `None` where it has no PyTorch.
    pub fn find() -> Option<Self> {
        let given = std::env::var(VARIABLE).ok().filter(|given| !given.is_empty());
        let program = given.unwrap_or_else(|| "python3".to_owned());
        let mut command = Command::new(&program);
        command.args(["-c", "import torch"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
            .status()
            .is_ok_and(|status| status.success())
            .then_some(Self { program })
    }

    /// Computes scores with a module.
    pub fn scores(&self, module: &Path, input: Shape, images: &[Floats]) -> Result<Vec<Floats>, ExportError> {
        let failed = |reason: String| ExportError::Python {
            python: self.program.clone(),
            reason,
        };
        let sizes = [input.channels, input.height, input.width].map(|size| size.to_string());
        let mut child = Command::new(&self.program)
            .args(["-B", "-c", CHECK])
            .arg(module)
            .args(sizes)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            let values = images.iter().flat_map(|Floats(image)| image);
            let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
            // A program that ended early reports the reason on its standard error.
            let _ = stdin.write_all(&bytes);
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(failed(text.trim_end().lines().last().unwrap_or_default().to_owned()));
        }
        let (values, _) = output.stdout.as_chunks::<4>();
        let scores: Vec<f32> = values.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let classes = (scores.len() / images.len().max(1)).max(1);
        Ok(scores.chunks(classes).map(|scores| Floats(scores.to_vec())).collect())
    }
}

//! Architectures as TOML.

use std::path::Path;

use mnas_engine::files;
use mnas_space::Architecture;

use super::{Check, ExportError, ExportNetwork, Format, Verifier};

/// TOML that names the architecture string and its identifier in comments.
#[derive(Debug, Clone, Copy)]
pub struct Toml;

impl Format for Toml {
    fn name(&self) -> &'static str {
        "toml"
    }

    fn write(&self, network: &ExportNetwork, path: &Path, _verifier: &Verifier) -> Result<(), ExportError> {
        let architecture = &network.architecture;
        let header = format!("# {architecture}\n# id {}\n", architecture.id());
        let text = header + &architecture.to_toml();
        Ok(files::write_atomically(path, text.as_bytes())?)
    }

    fn check(&self, network: &ExportNetwork, path: &Path, _verifier: &Verifier) -> Result<Check, ExportError> {
        let text = files::read_text(path)?;
        if Architecture::from_toml(&text).is_ok_and(|read| read == network.architecture) {
            return Ok(Check::Exact);
        }
        Err(ExportError::Changed {
            path: path.to_path_buf(),
        })
    }
}

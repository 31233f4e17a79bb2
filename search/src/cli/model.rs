//! Networks named by a study's folder, an architecture or a file of weights.

use std::path::{Path, PathBuf};

use mnas_engine::files;
use mnas_engine::study::StudyFolder;

use super::error::CliError;

/// Architecture and weights of a command's arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSource {
    /// Reference, file or string; `None` where the weights name it.
    pub architecture: Option<String>,
    /// File of weights.
    pub weights: Option<PathBuf>,
}

impl ModelSource {
    /// Finds the best network of a study where `architecture` is its folder; `weights` takes precedence over the study's.
    pub fn of(architecture: Option<&str>, weights: Option<&Path>) -> Result<Self, CliError> {
        let given = weights.map(Path::to_path_buf);
        let Some(text) = architecture else {
            return Ok(Self {
                architecture: None,
                weights: given,
            });
        };
        if !Path::new(text).is_dir() {
            return Ok(Self {
                architecture: Some(text.to_owned()),
                weights: given,
            });
        }
        let best = StudyFolder::open(Path::new(text))?.best();
        let architecture = best.join("architecture.toml");
        if !architecture.is_file() {
            return Err(
                CliError::config(format!("{text} holds no best network yet (no best/architecture.toml)"))
                    .with_help(format!("complete the search: mnas search --resume --out {text}")),
            );
        }
        let saved = Some(best.join("weights.safetensors")).filter(|path| path.is_file());
        Ok(Self {
            architecture: Some(architecture.to_string_lossy().into_owned()),
            weights: given.or(saved),
        })
    }
}

/// Reads the names of classes, one per line.
pub fn read_labels(path: &Path) -> Result<Vec<String>, CliError> {
    let text = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
    Ok(text.lines().map(|line| line.trim().to_owned()).collect())
}

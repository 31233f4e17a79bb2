//! Errors of a study.

use std::path::PathBuf;

use mnas_latency::LatencyError;
use mnas_space::DocumentError;

use super::config::ConfigError;
use super::folder::FolderError;
use super::journal::JournalError;
use crate::evaluator::EvaluatorError;
use crate::files::FileError;

/// An error that ends a study's run.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The folder cannot be used for the study.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The configuration is invalid.
    #[error("{}: {error}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// The error in it.
        error: ConfigError,
    },
    /// The search space is invalid.
    #[error("{}: {error}", path.display())]
    Space {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// The error in it.
        error: DocumentError,
    },
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal contradicts itself.
    #[error("{}: {problem}; restore the file from a copy, or start a new study", path.display())]
    Contradiction {
        /// The journal.
        path: PathBuf,
        /// The contradiction.
        problem: String,
    },
    /// The evaluator cannot continue.
    #[error(transparent)]
    Evaluator(#[from] EvaluatorError),
    /// The images are not those the study began with.
    #[error("the data set changed since the study began: it had {before}, now {now}; restore it, or start a new study")]
    DataChanged {
        /// Description when the study began.
        before: String,
        /// Description now.
        now: String,
    },
    /// A latency table cannot be read or does not fit the study's device.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

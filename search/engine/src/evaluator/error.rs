//! Errors of evaluators.

use std::path::PathBuf;

use crate::files::FileError;

/// An error that stops an evaluator.
#[derive(Debug, thiserror::Error)]
pub enum EvaluatorError {
    /// No worker is left, and none can be started.
    #[error("no worker is left: {reason}; logs are in {}", logs.display())]
    NoWorkers {
        /// Reason for which the last worker ended.
        reason: String,
        /// Folder of the logs.
        logs: PathBuf,
    },
    /// The images cannot be loaded.
    #[error("{reason}")]
    Data {
        /// The reason, and the remedy.
        reason: String,
    },
    /// A result cannot be saved.
    #[error("trial {trial} is trained, but its result cannot be saved: {reason}")]
    Unsaved {
        /// The trial.
        trial: u64,
        /// The file, the reason, and the remedy.
        reason: String,
    },
    /// The workers' logs cannot be written.
    #[error(transparent)]
    Log(FileError),
    /// A recorded table is unusable.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A table that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not a recorded table.
    #[error("{}{}: {problem}; expected a CSV file with the columns `architecture` and `accuracy`, the JSON of NAS-Bench-Macro, or the CSV of Accel-NASBench", path.display(), at(*line))]
    Format {
        /// The file.
        path: PathBuf,
        /// The line, where known.
        line: Option<u64>,
        /// The problem.
        problem: String,
    },
    /// Networks of the table score different numbers of classes.
    #[error("{}, line {line}: the network scores {found} classes, those before it {expected}", path.display())]
    Classes {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Classes of the network there.
        found: u32,
        /// Classes of the networks before.
        expected: u32,
    },
    /// The table belongs to another space.
    #[error(
        "{}: holds none of {drawn} networks drawn from space {space}; name the space of the table's networks with --space", path.display()
    )]
    Space {
        /// The file.
        path: PathBuf,
        /// The space.
        space: String,
        /// Number of networks drawn.
        drawn: usize,
    },
}

fn at(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

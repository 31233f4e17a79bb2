//! Errors of reports.

use mnas_engine::files::FileError;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file could not be written; whatever stood there before is untouched.
    #[error(transparent)]
    File(#[from] FileError),
    /// The plot could not be drawn.
    #[error("cannot draw the plot: {reason}")]
    Drawing {
        /// What the drawing library said.
        reason: String,
    },
    /// The table could not be turned into CSV.
    #[error("cannot write rows as csv: {reason}")]
    Csv {
        /// What the writer said.
        reason: String,
    },
}

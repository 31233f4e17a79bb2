//! Errors of reports.

use mnas_engine::files::FileError;
use mnas_figures::FigureError;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file could not be written; whatever stood there before is untouched.
    #[error(transparent)]
    File(#[from] FileError),
    /// A figure could not be drawn.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// The table could not be turned into CSV.
    #[error("cannot write rows as csv: {reason}")]
    Csv {
        /// Message of the writer.
        reason: String,
    },
}

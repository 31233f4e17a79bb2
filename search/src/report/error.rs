//! Errors of reports.

use mnas_engine::files::FileError;
use mnas_figures::FigureError;

/// A failure to make a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file could not be written; an earlier file is unchanged.
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

//! Studies that cannot be compared.

use std::path::PathBuf;

use mnas_engine::study::StudyError;

/// Studies that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// Their numbers are not comparable.
    #[error(
        "{} and {} cannot be compared: their {what} differ (`{one_value}` and `{other_value}`)",
        one.display(),
        other.display()
    )]
    Differs {
        /// The property that differs.
        what: &'static str,
        /// The first study.
        one: PathBuf,
        /// Its value.
        one_value: String,
        /// The other study.
        other: PathBuf,
        /// Its value.
        other_value: String,
    },
    /// A study is given twice.
    #[error("{} is given twice; name every study once", study.display())]
    Twice {
        /// The study.
        study: PathBuf,
    },
    /// A study cannot be read.
    #[error(transparent)]
    Study(#[from] StudyError),
}

//! Errors with their remedies.

use std::fmt;
use std::io;
use std::path::Path;

/// Error of a set-up, build or test command. Every error contains a remedy, since the user may have just cloned the project and
/// not know it yet.
#[derive(Debug)]
pub struct Error {
    /// Description of the problem and its place.
    what: String,
    /// Remedy.
    remedy: String,
}

/// Result of the functions in this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Creates an error with its remedy.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Creates the error of a failed file operation, with special remedies for a full disk and missing permissions.
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DISK_FULL,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "set MNAS_CACHE to a folder that you may write to"
            }
            _ => "check the path, or set MNAS_CACHE to another folder",
        };
        Self::new(format!("cannot {action} {}: {error}", path.display()), remedy)
    }
}

/// Remedy for a full disk.
pub const DISK_FULL: &str = "the disk is full: set-up needs about 1.2 GB while it runs and 0.6 GB afterwards; free some space, or set \
                             MNAS_CACHE to a folder on another disk";

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n  help: {}", self.what, self.remedy)
    }
}

impl std::error::Error for Error {}

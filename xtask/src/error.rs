//! Errors with their remedies.

use std::fmt;
use std::io;
use std::path::Path;

/// A failure of a set-up, build or test command. Every one carries its remedy, because a person who meets it has just cloned the
/// project and knows nothing about it yet.
#[derive(Debug)]
pub struct Error {
    /// The fault and its place.
    what: String,
    /// Remedy.
    remedy: String,
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure with its remedy.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// A failed file operation; a full disk or a missing permission names its own remedy.
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

/// The remedy for a full disk, wherever it shows.
pub const DISK_FULL: &str = "the disk is full: set-up needs about 1.2 GB while it runs and 0.6 GB afterwards; free some, or set \
                             MNAS_CACHE to a folder on another disk";

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n  help: {}", self.what, self.remedy)
    }
}

impl std::error::Error for Error {}

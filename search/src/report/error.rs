//! Errors of reports, and the one way their files are written.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file could not be written.
    #[error("cannot write {}: {source}; check that its folder exists, may be written to and has space", path.display())]
    Write {
        /// The file that was to be written; whatever stood there before is untouched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The plot could not be drawn.
    #[error("cannot draw the plot: {reason}")]
    Drawing {
        /// What the drawing library said.
        reason: String,
    },
    /// The table could not be turned into CSV.
    #[error("cannot write rows as csv: {reason}")]
    Csv {
        /// What polars said.
        reason: String,
    },
}

/// Replaces the file at `path` by `bytes` in one step: temporary file in the same folder, fsync, rename, fsync of the folder.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let write = || -> io::Result<()> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // Temporary files are private by default; results are to be read like any other file.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.prefix(".report-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        #[cfg(unix)]
        std::fs::File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().map_err(|source| ReportError::Write {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_no_temporary_file_stays() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("front.svg");
        write_atomically(&path, b"old and long")?;
        write_atomically(&path, b"new")?;
        assert_eq!(std::fs::read(&path)?, b"new");
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write_atomically(Path::new("/no/such/folder/front.svg"), b"")
            .expect_err("the folder is missing");
        assert!(
            error
                .to_string()
                .starts_with("cannot write /no/such/folder/front.svg: "),
            "{error}"
        );
    }
}

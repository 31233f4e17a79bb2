//! Atomic writing of files: a temporary file is written beside the target, synced and renamed.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading failed.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Writing failed.
    #[error("{}: cannot be written: {source}{}", path.display(), remedy(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
}

fn remedy(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "; free some space and try again (continue a search with --resume; nothing written before is lost)"
        }
        std::io::ErrorKind::FileTooLarge => {
            "; raise the limit on the size of files (ulimit -f) and try again (continue a search with --resume)"
        }
        std::io::ErrorKind::PermissionDenied => "; choose another folder with --out",
        _ => "",
    }
}

impl FileError {
    /// The failure to write `path`.
    pub fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|source| FileError::Read {
        path: path.to_path_buf(),
        source,
    })
}

/// Reads a whole file as text.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    std::fs::read_to_string(path).map_err(|source| FileError::Read {
        path: path.to_path_buf(),
        source,
    })
}

/// Makes a folder and its parents.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(|source| FileError::write(path, source))
}

/// Removes a file; a missing file is not an error.
pub fn remove_if_there(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(FileError::write(path, source)),
        _ => Ok(()),
    }
}

/// Copies a file; `into` is complete or absent at every moment.
pub fn copy_file(from: &Path, into: &Path) -> Result<(), FileError> {
    write_atomically(into, &read(from)?)
}

/// Replaces `path` by `bytes`: at every moment, also after a crash, it holds the old content or the new one.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = builder().tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    write().map_err(|source| FileError::write(path, source))
}

/// Like [`write_atomically`], for a file that one writer replaces often: the temporary file has a fixed name, so that the
/// next call overwrites the remains of a killed one.
pub fn write_repeatedly(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = path.with_file_name(name);
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        sync_folder(folder.unwrap_or(Path::new(".")))
    };
    write().map_err(|source| {
        // The incomplete file only takes space.
        let _ = std::fs::remove_file(&part);
        FileError::write(path, source)
    })
}

/// Removes what writings that were killed left in a folder and the folders in it. Nothing may be writing there.
///
/// A file that cannot be removed is left: it takes space and nothing else.
pub fn remove_partial_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_partial_files(&path);
        } else if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Begin of the names of temporary files.
pub const PARTIAL: &str = ".mnas-";

/// Temporary files are private to their owner by default; results are to be read like any other file.
fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

/// Syncs a folder, which makes new and renamed files in it durable.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_no_temporary_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("front.svg");
        write_atomically(&path, b"old and long").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
    }

    #[test]
    fn what_kills_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(place("weights")).unwrap();
        for name in [".mnas-abc", "weights/.mnas-def", "weights/1.safetensors", ".lock"] {
            std::fs::write(place(name), b"x").unwrap();
        }
        remove_partial_files(folder.path());
        remove_partial_files(&place("absent"));
        let left =
            [".mnas-abc", "weights/.mnas-def", "weights/1.safetensors", ".lock"].map(|name| place(name).exists());
        assert_eq!(left, [false, false, true, true]);
    }

    #[test]
    fn what_a_kill_left_of_a_repeated_file_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("w.checkpoint");
        write_repeatedly(&path, b"one").unwrap();
        std::fs::write(folder.path().join("new").join(".w.checkpoint.part"), b"half of tw").unwrap();
        assert_eq!(read(&path).unwrap(), b"one");
        write_repeatedly(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let path = folder.path().join("file").join("front.svg");
        let error = write_atomically(&path, b"").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{}: cannot be written: ", path.display())),
            "{error}"
        );
    }
}

//! Placement of files that are complete and checked.

use std::fs;
use std::path::{Path, PathBuf};

use mnas_engine::files::{FileError, create_folder, sync_folder};

use super::{Check, ExportError, Exported};

/// Writes files in a temporary folder beside `path` and moves them next to `path` where `write` succeeds; otherwise no file remains.
///
/// `write` takes the path of a file of the same name in that folder.
pub(super) fn place(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<Check, ExportError>,
) -> Result<Exported, ExportError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let failed = |source| FileError::write(path, source);
    let Some(name) = path.file_name() else {
        return Err(failed(std::io::Error::from(std::io::ErrorKind::IsADirectory)).into());
    };
    create_folder(folder)?;
    let draft = tempfile::Builder::new()
        .prefix(".mnas-")
        .tempdir_in(folder)
        .map_err(failed)?;
    let check = write(&draft.path().join(name))?;
    let bytes = move_all(draft.path(), folder, path).map_err(failed)?;
    Ok(Exported { bytes, check })
}

/// Moves the files of a folder, `last` at the end; returns their size.
fn move_all(from: &Path, to: &Path, last: &Path) -> std::io::Result<u64> {
    let entries = fs::read_dir(from)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<std::io::Result<Vec<PathBuf>>>()?;
    paths.sort_by_key(|path| path.file_name() == last.file_name());
    let mut bytes = 0;
    for path in paths {
        let file = fs::File::open(&path)?;
        file.sync_all()?;
        bytes += file.metadata()?.len();
        fs::rename(&path, to.join(path.file_name().unwrap_or_default()))?;
    }
    sync_folder(to)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_file_leaves_nothing_and_a_finished_one_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out").join("model.onnx");
        let refused = |draft: &Path| {
            fs::write(draft, b"half").unwrap();
            Err(ExportError::NoWeights { format: "onnx" })
        };
        assert!(place(&path, refused).is_err());
        let names = || fs::read_dir(folder.path().join("out")).unwrap().count();
        assert_eq!(names(), 0);
        let written = place(&path, |draft| {
            fs::write(draft, b"whole").unwrap();
            fs::write(draft.with_extension("txt"), b"more").unwrap();
            Ok(Check::Exact)
        });
        assert_eq!(written.unwrap().bytes, 9);
        assert_eq!((fs::read(&path).unwrap(), names()), (b"whole".to_vec(), 2));
    }
}

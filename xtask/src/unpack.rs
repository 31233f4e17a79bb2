//! Unpacking of selected files from a wheel, which is a ZIP archive.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::digest::HashingWriter;
use crate::error::{DISK_FULL, Error, Result};
use crate::marker::Entry;
use crate::progress::Progress;
use crate::wheel::Wheel;

/// Function from the path of a file in a wheel to its path in the target folder; `None` skips the file.
pub type Select = dyn Fn(&str) -> Option<String>;

/// Unpacks the files that `select` chooses from `wheel`, a file at `path`, into `folder`; returns their sizes and hashes.
pub fn unpack(wheel: &Wheel, path: &Path, folder: &Path, select: &Select) -> Result<Vec<Entry>> {
    let unreadable = |error: ZipError| match error {
        ZipError::Io(error) => Error::io("unpack", path, &error),
        error => Error::new(format!("cannot unpack {}: {error}", path.display()), DISK_FULL),
    };
    let file = File::open(path).map_err(|error| Error::io("open", path, &error))?;
    let mut archive = ZipArchive::new(io::BufReader::new(file)).map_err(unreadable)?;

    let mut wanted = Vec::new();
    let mut total_bytes = 0;
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(unreadable)?;
        if member.is_dir() {
            continue;
        }
        if let Some(target) = select(member.name()) {
            total_bytes += member.size();
            wanted.push((index, target));
        }
    }

    let mut progress = Progress::start(format!("unpack {} {}", wheel.project, wheel.version), total_bytes);
    let mut entries = Vec::with_capacity(wanted.len());
    let mut done_bytes = 0;
    for (index, target) in wanted {
        let mut member = archive.by_index(index).map_err(unreadable)?;
        let destination = folder.join(safe_relative(&target)?);
        let parent = destination.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, &error))?;
        let file = File::create(&destination).map_err(|error| Error::io("create", &destination, &error))?;
        let mut writer = HashingWriter::new(Watched {
            file,
            done_bytes,
            progress: &mut progress,
        });
        io::copy(&mut member, &mut writer).map_err(|error| Error::io("write", &destination, &error))?;
        done_bytes += writer.bytes;
        entries.push(Entry {
            bytes: writer.bytes,
            sha256: writer.finish(),
            path: target,
        });
    }
    progress.finish();
    Ok(entries)
}

/// Writer to a file that updates the progress line as it writes, for large files.
struct Watched<'a> {
    file: File,
    done_bytes: u64,
    progress: &'a mut Progress,
}

impl io::Write for Watched<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.done_bytes += written as u64;
        self.progress.update(self.done_bytes);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Rejects a path that would lead outside the folder to which it is joined.
fn safe_relative(path: &str) -> Result<PathBuf> {
    let relative = PathBuf::from(path);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && !path.is_empty() && !path.contains(['\\', '\0', '\n']) {
        return Ok(relative);
    }
    Err(Error::new(
        format!(
            "the wheel contains a file with the unsafe path `{}`",
            path.escape_debug()
        ),
        "the wheel is not the expected one; report this to the project",
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::FileOptions;

    use super::*;

    const WHEEL: Wheel = Wheel {
        project: "abc",
        version: "1",
        platform: "any",
        file: "abc.whl",
        bytes: 3,
        sha256: "00",
    };

    fn archive(folder: &Path, names: &[&str]) -> std::result::Result<PathBuf, Box<dyn std::error::Error>> {
        let path = folder.join("abc.whl");
        let mut writer = zip::ZipWriter::new(File::create(&path)?);
        for name in names {
            writer.start_file(*name, FileOptions::default())?;
            writer.write_all(name.as_bytes())?;
        }
        writer.finish()?;
        Ok(path)
    }

    #[test]
    fn only_selected_files_arrive_with_size_and_hash() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = archive(folder.path(), &["a/lib/one.so", "a/two.py"])?;
        let target = folder.path().join("out");
        let entries = unpack(&WHEEL, &path, &target, &|name| {
            name.strip_prefix("a/lib/").map(Into::into)
        })?;
        let expected = Entry {
            sha256: crate::digest::of_bytes(b"a/lib/one.so"),
            bytes: 12,
            path: "one.so".into(),
        };
        assert_eq!(entries, [expected]);
        assert_eq!(fs::read(target.join("one.so"))?, b"a/lib/one.so");
        assert_eq!(fs::read_dir(&target)?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_path_that_escapes_is_refused_and_nothing_is_written() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = archive(folder.path(), &["a/../../evil"])?;
        let target = folder.path().join("out").join("deep");
        let error = unpack(&WHEEL, &path, &target, &|name| name.strip_prefix("a/").map(Into::into)).unwrap_err();
        assert!(error.to_string().contains("unsafe path `../../evil`"), "{error}");
        assert!(!folder.path().join("evil").exists());
        Ok(())
    }

    #[test]
    fn absolute_parent_and_odd_paths_are_unsafe() {
        for path in ["", "/etc/passwd", "..", "a/../b", "./a", "a\\b", "a\nb"] {
            assert!(safe_relative(path).is_err(), "{path:?}");
        }
        assert!(safe_relative("include/torch/version.h").is_ok());
    }
}

//! Marker file of an unpacked folder, which lists its wheels and the size and hash of every file, for verification.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::digest;
use crate::error::{Error, Result};
use crate::wheel::Wheel;

/// Name of the marker file.
pub const FILE: &str = "mnas-setup.txt";
const HEADER: &str = "mnas set-up 1";

/// Unpacked file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Path relative to the folder, with `/` as separator.
    pub path: String,
}

/// Marker: the expected wheels and files of a folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Marker {
    wheels: Vec<String>,
    files: Vec<Entry>,
}

impl Marker {
    /// Creates the marker of a folder with these files, unpacked from these wheels.
    pub fn new(wheels: &[Wheel], files: Vec<Entry>) -> Self {
        Self {
            wheels: wheel_lines(wheels),
            files,
        }
    }

    /// Text form of the marker; its last line is the hash of the preceding lines.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for wheel in &self.wheels {
            writeln!(text, "wheel {wheel}").expect("writing to a string does not fail");
        }
        for Entry { sha256, bytes, path } in &self.files {
            writeln!(text, "file {sha256} {bytes} {path}").expect("writing to a string does not fail");
        }
        let sum = digest::of_bytes(text.as_bytes());
        text + &format!("sum {sum}\n")
    }

    /// Parses the text form; the error describes the problem.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let (body, sum) = text
            .trim_end()
            .rsplit_once("\nsum ")
            .ok_or("its last line is missing")?;
        if digest::of_bytes(format!("{body}\n").as_bytes()) != sum {
            return Err("it was changed after it was written".into());
        }
        let mut lines = body.lines();
        if lines.next() != Some(HEADER) {
            return Err("it was written by another version".into());
        }
        let mut marker = Self {
            wheels: Vec::new(),
            files: Vec::new(),
        };
        for line in lines {
            match line.split_once(' ') {
                Some(("wheel", wheel)) => marker.wheels.push(wheel.into()),
                Some(("file", entry)) => marker
                    .files
                    .push(parse_entry(entry).ok_or(format!("bad line `{line}`"))?),
                _ => return Err(format!("bad line `{line}`")),
            }
        }
        Ok(marker)
    }

    /// Checks that `folder` was completely unpacked from exactly these wheels; the error states the difference. Compares the sizes of
    /// all files, and with `thorough` also their hashes.
    pub fn check(folder: &Path, wheels: &[Wheel], thorough: bool) -> std::result::Result<(), String> {
        let text = fs::read_to_string(folder.join(FILE)).map_err(|_| format!("{FILE} is missing"))?;
        let marker = Self::parse(&text).map_err(|why| format!("{FILE}: {why}"))?;
        if marker.wheels != wheel_lines(wheels) {
            return Err("it was unpacked from other wheels".into());
        }
        for entry in &marker.files {
            let path = folder.join(&entry.path);
            let bytes = fs::metadata(&path)
                .map_err(|_| format!("{} is missing", entry.path))?
                .len();
            if bytes != entry.bytes {
                return Err(format!("{} has {bytes} bytes, expected {}", entry.path, entry.bytes));
            }
            if thorough && digest::of_file(&path, None).ok().as_ref() != Some(&entry.sha256) {
                return Err(format!("{} was changed", entry.path));
            }
        }
        Ok(())
    }

    /// Writes the marker. It must be the last file written to the folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        fs::write(&path, self.to_text()).map_err(|error| Error::io("write", &path, &error))
    }
}

fn wheel_lines(wheels: &[Wheel]) -> Vec<String> {
    wheels
        .iter()
        .map(|wheel| format!("{} {}", wheel.sha256, wheel.file))
        .collect()
}

fn parse_entry(line: &str) -> Option<Entry> {
    let (sha256, rest) = line.split_once(' ')?;
    let (bytes, path) = rest.split_once(' ')?;
    Some(Entry {
        sha256: sha256.into(),
        bytes: bytes.parse().ok()?,
        path: path.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: Wheel = Wheel {
        project: "abc",
        version: "1",
        platform: "any",
        file: "abc.whl",
        bytes: 3,
        sha256: "00",
    };

    fn folder() -> Result<tempfile::TempDir> {
        let folder = tempfile::tempdir().map_err(|error| Error::io("create", Path::new("a folder"), &error))?;
        let path = folder.path().join("a file");
        fs::write(&path, b"abc").map_err(|error| Error::io("write", &path, &error))?;
        let entry = Entry {
            sha256: digest::of_bytes(b"abc"),
            bytes: 3,
            path: "a file".into(),
        };
        Marker::new(&[WHEEL], vec![entry]).write(folder.path())?;
        Ok(folder)
    }

    #[test]
    fn the_written_form_reads_back() {
        let entry = Entry {
            sha256: "ff".into(),
            bytes: 7,
            path: "lib/with space.so".into(),
        };
        let marker = Marker::new(&[WHEEL], vec![entry]);
        assert_eq!(Marker::parse(&marker.to_text()), Ok(marker));
    }

    #[test]
    fn a_finished_folder_passes_both_checks() -> Result<()> {
        let folder = folder()?;
        assert_eq!(Marker::check(folder.path(), &[WHEEL], false), Ok(()));
        assert_eq!(Marker::check(folder.path(), &[WHEEL], true), Ok(()));
        Ok(())
    }

    #[test]
    fn a_folder_from_other_wheels_is_stale() -> Result<()> {
        let folder = folder()?;
        let newer = Wheel { sha256: "01", ..WHEEL };
        assert_eq!(
            Marker::check(folder.path(), &[newer], false),
            Err("it was unpacked from other wheels".into())
        );
        Ok(())
    }

    #[test]
    fn missing_short_and_changed_files_are_found() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = folder()?;
        let path = folder.path().join("a file");
        fs::write(&path, b"abd")?;
        assert_eq!(Marker::check(folder.path(), &[WHEEL], false), Ok(()));
        assert_eq!(
            Marker::check(folder.path(), &[WHEEL], true),
            Err("a file was changed".into())
        );
        fs::write(&path, b"ab")?;
        assert_eq!(
            Marker::check(folder.path(), &[WHEEL], false),
            Err("a file has 2 bytes, expected 3".into())
        );
        fs::remove_file(&path)?;
        assert_eq!(
            Marker::check(folder.path(), &[WHEEL], false),
            Err("a file is missing".into())
        );
        Ok(())
    }

    #[test]
    fn an_edited_marker_is_refused() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = folder()?;
        let path = folder.path().join(FILE);
        fs::write(&path, fs::read_to_string(&path)?.replace(" 3 ", " 4 "))?;
        let why = Marker::check(folder.path(), &[WHEEL], false).unwrap_err();
        assert_eq!(why, format!("{FILE}: it was changed after it was written"));
        fs::write(&path, "")?;
        assert!(Marker::check(folder.path(), &[WHEEL], false).is_err());
        Ok(())
    }
}

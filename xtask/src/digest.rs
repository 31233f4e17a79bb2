//! SHA-256 hashes, which identify downloaded and unpacked files.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::progress::Progress;

/// SHA-256 of a file in lower-case hexadecimal, with progress while reading.
pub fn of_file(path: &Path, progress: Option<&mut Progress>) -> io::Result<String> {
    let mut progress = progress;
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done_bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
        done_bytes += read as u64;
        if let Some(progress) = progress.as_deref_mut() {
            progress.update(done_bytes);
        }
    }
}

/// SHA-256 of bytes in lower-case hexadecimal.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Writer that hashes bytes and passes them to another writer.
pub struct HashingWriter<W> {
    inner: W,
    hasher: Sha256,
    /// Number of bytes written so far.
    pub bytes: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Wraps a writer.
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            bytes: 0,
        }
    }

    /// SHA-256 of the written bytes in lower-case hexadecimal.
    pub fn finish(self) -> String {
        hex(&self.hasher.finalize())
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string does not fail");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_published_example_agrees_in_all_three_ways() -> io::Result<()> {
        assert_eq!(of_bytes(b"abc"), ABC);
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("abc");
        let mut writer = HashingWriter::new(File::create(&path)?);
        writer.write_all(b"a")?;
        writer.write_all(b"bc")?;
        assert_eq!((writer.bytes, writer.finish().as_str()), (3, ABC));
        assert_eq!(of_file(&path, None)?, ABC);
        Ok(())
    }
}

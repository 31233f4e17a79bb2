//! Pinned Python wheels: downloaded with pip from its configured package index, and checked against a fixed hash.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::digest;
use crate::error::{DISK_FULL, Error, Result};
use crate::progress::Progress;

/// Pinned wheel.
#[derive(Clone, Copy, Debug)]
pub struct Wheel {
    /// Name of the project on the package index.
    pub project: &'static str,
    /// Version of the project.
    pub version: &'static str,
    /// Platform tag with which pip selects this file.
    pub platform: &'static str,
    /// Name of the file.
    pub file: &'static str,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file in lower-case hexadecimal.
    pub sha256: &'static str,
}

impl Wheel {
    /// Ensures that the verified wheel is in `folder` and returns its path. A verified file of an interrupted set-up is reused. A
    /// downloaded file is renamed to its final name only after its hash has been checked.
    pub fn obtain(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(self.file);
        if path.is_file() && self.verify(&path).is_ok() {
            return Ok(path);
        }
        remove_partial_downloads(folder)?;
        // Each set-up has its own folder, since the pip of a killed set-up may still be writing to its folder.
        let partial = folder.join(format!("{PARTIAL}{}", std::process::id()));
        fs::create_dir_all(&partial).map_err(|error| Error::io("create", &partial, &error))?;
        let outcome = self.download_verified(&partial, &path);
        remove_folder(&partial)?;
        outcome.map(|()| path)
    }

    fn download_verified(&self, partial: &Path, path: &Path) -> Result<()> {
        self.download(partial)?;
        let arrived = partial.join(self.file);
        if !arrived.is_file() {
            return Err(Error::new(
                format!(
                    "pip did not download {} {} as {}",
                    self.project, self.version, self.file
                ),
                "the package index has different files from those pinned here: use the public Python package index or a full mirror \
                 of it, or install libtorch 2.11.0 yourself and set LIBTORCH=<its folder>",
            ));
        }
        self.verify(&arrived)?;
        fs::rename(&arrived, path).map_err(|error| Error::io("rename", &arrived, &error))
    }

    /// Checks a file against the pinned hash.
    pub fn verify(&self, path: &Path) -> Result<()> {
        let bytes = fs::metadata(path)
            .map_err(|error| Error::io("read", path, &error))?
            .len();
        let mut progress = Progress::start(format!("verify {} {}", self.project, self.version), bytes);
        let found = digest::of_file(path, Some(&mut progress)).map_err(|error| Error::io("read", path, &error))?;
        progress.finish();
        if found == self.sha256 {
            return Ok(());
        }
        Err(Error::new(
            format!(
                "{} is not the pinned file: sha256 {found}, expected {}",
                self.file, self.sha256
            ),
            "a proxy, a mirror or the network changed the file, which was not used; run the command again, or use another package index",
        ))
    }

    fn download(&self, folder: &Path) -> Result<()> {
        let python = python_with_pip()?;
        let requirement = format!("{}=={}", self.project, self.version);
        let mut command = Command::new(python);
        command.args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-input",
            "--no-cache-dir",
            "--disable-pip-version-check",
        ]);
        command.args([
            "--no-deps",
            "--only-binary=:all:",
            "--python-version",
            "3.11",
            "--implementation",
            "cp",
        ]);
        command
            .args(["--platform", self.platform, "--dest"])
            .arg(folder)
            .arg(&requirement);
        // pip writes to its temporary folder first. It is set to a folder of the cache, where its growth is visible and it is cleaned up.
        command
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| Error::io("start", Path::new(python), &error))?;
        // Reads stderr in a thread, since a full pipe would block pip; a file could not be written on a full disk.
        let pipe = child.stderr.take();
        let listener = thread::spawn(move || {
            let mut said = Vec::new();
            // If reading fails, only the rest of pip's output is lost; the exit status is still known.
            let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut said));
            String::from_utf8_lossy(&said).into_owned()
        });

        let mut progress = Progress::start(format!("download {} {}", self.project, self.version), self.bytes);
        let status = loop {
            match child
                .try_wait()
                .map_err(|error| Error::io("wait for", Path::new(python), &error))?
            {
                Some(status) => break status,
                None => progress.update(folder_bytes(folder)),
            }
            thread::sleep(Duration::from_millis(100));
        };
        if status.success() {
            progress.finish();
            return Ok(());
        }
        progress.abandon();
        let said = listener.join().unwrap_or_default();
        Err(explain_pip_failure(&requirement, &said))
    }
}

const PARTIAL: &str = "partial-";

fn remove_partial_downloads(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io("list", folder, &error))?;
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a folder if it exists.
pub fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Python interpreter to use: that of the active virtual environment if there is one, as in the build of torch-sys.
pub fn python() -> &'static str {
    if std::env::var_os("VIRTUAL_ENV").is_some() {
        "python"
    } else {
        "python3"
    }
}

fn python_with_pip() -> Result<&'static str> {
    let python = python();
    let quiet = |arguments: &[&str]| {
        Command::new(python)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    if !quiet(&["--version"]).is_ok_and(|status| status.success()) {
        return Err(Error::new(
            format!("cannot run {python}, whose pip downloads libtorch and ONNX Runtime"),
            "install Python 3 with pip (for example: apt install python3-pip), or install libtorch 2.11.0 and ONNX Runtime yourself \
             and set LIBTORCH=<folder> and ORT_DYLIB_PATH=<library>",
        ));
    }
    if !quiet(&["-m", "pip", "--version"]).is_ok_and(|status| status.success()) {
        return Err(Error::new(
            format!("{python} has no pip, which downloads libtorch and ONNX Runtime"),
            format!("install it (apt install python3-pip, or {python} -m ensurepip --user)"),
        ));
    }
    Ok(python)
}

fn explain_pip_failure(requirement: &str, said: &str) -> Error {
    const NETWORK: [&str; 9] = [
        "Retrying (",
        "Connection",
        "name resolution",
        "timed out",
        "Network is unreachable",
        "ProxyError",
        "SSLError",
        "Max retries",
        "IncompleteRead",
    ];
    let remedy = if said.contains("No space left") || said.contains("Disk quota") {
        DISK_FULL
    } else if NETWORK.iter().any(|sign| said.contains(sign)) {
        "set-up needs the Python package index once: check the network, the proxy (HTTPS_PROXY) and pip's own settings (pip config \
         list), then run the command again; what was already verified is kept"
    } else if said.contains("No matching distribution") {
        "the package index does not have this version for this platform: use a full mirror, or install it yourself and set \
         LIBTORCH=<folder> and ORT_DYLIB_PATH=<library>"
    } else {
        "see pip's message above, then run the command again"
    };
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(4)..].join("\n    ");
    Error::new(format!("pip could not download {requirement}:\n    {tail}"), remedy)
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wheel(sha256: &'static str) -> Wheel {
        Wheel {
            project: "abc",
            version: "1",
            platform: "any",
            file: "abc.whl",
            bytes: 3,
            sha256,
        }
    }

    #[test]
    fn only_the_pinned_bytes_pass() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("abc.whl");
        fs::write(&path, b"abc")?;
        let pinned = wheel("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(pinned.verify(&path).is_ok());
        fs::write(&path, b"abd")?;
        let error = pinned.verify(&path).unwrap_err().to_string();
        assert!(error.contains("abc.whl is not the pinned file"), "{error}");
        Ok(())
    }

    #[test]
    fn pip_failures_name_their_remedy() {
        let offline = "WARNING: Retrying (Retry(total=0)) after connection broken\nERROR: No matching distribution found for torch";
        assert!(
            explain_pip_failure("torch==2.11.0", offline)
                .to_string()
                .contains("check the network")
        );
        let full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device";
        assert!(
            explain_pip_failure("torch==2.11.0", full)
                .to_string()
                .contains("MNAS_CACHE")
        );
        let absent = "ERROR: No matching distribution found for torch==2.11.0";
        assert!(
            explain_pip_failure("torch==2.11.0", absent)
                .to_string()
                .contains("full mirror")
        );
    }
}

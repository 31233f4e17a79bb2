//! Cache folder for downloaded libraries, outside the clone: `MNAS_CACHE`, else `$XDG_CACHE_HOME/mnas`, else `~/.cache/mnas`.
//! Several clones share it, so the names of its folders contain version and platform, and folders are renamed into place when
//! complete.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::marker::{Entry, Marker};
use crate::unpack::{Select, unpack};
use crate::wheel::{Wheel, remove_folder};

/// Check of a newly unpacked folder; its error describes the defect.
pub type Inspect = dyn Fn(&Path) -> Result<()>;

/// Package: files from wheels, unpacked into one folder of the cache.
pub struct Package {
    /// Name of the folder: library, version and platform.
    pub folder: String,
    /// Wheels from which files are taken.
    pub wheels: Vec<Wheel>,
    /// Selection of the files and their paths in the folder.
    pub select: Box<Select>,
    /// Final check before the folder is renamed into place.
    pub inspect: Box<Inspect>,
}

/// Cache folder.
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Finds the cache folder from the environment; it need not exist yet.
    pub fn from_environment() -> Result<Self> {
        let variable = |name: &str| std::env::var_os(name);
        let root = root(variable("MNAS_CACHE"), variable("XDG_CACHE_HOME"), variable("HOME"))?;
        let root = std::path::absolute(&root).map_err(|error| Error::io("resolve", &root, &error))?;
        Ok(Self { root })
    }

    /// Ensures that the package is in the cache, complete and verified, and returns its folder. If it is already there, this takes a
    /// few milliseconds and needs no network. `thorough` compares the hashes of all files instead of only their sizes.
    pub fn provide(&self, package: &Package, thorough: bool) -> Result<PathBuf> {
        let folder = self.root.join(&package.folder);
        if Marker::check(&folder, &package.wheels, thorough).is_ok() {
            return Ok(folder);
        }
        let _lock = self.lock()?;
        // Another process may have finished the work while this one waited for the lock.
        match Marker::check(&folder, &package.wheels, thorough) {
            Ok(()) => return Ok(folder),
            Err(why) if folder.exists() => eprintln!("{}: {why}; setting it up again", folder.display()),
            Err(_) => {}
        }
        self.install(package, &folder)?;
        Ok(folder)
    }

    fn install(&self, package: &Package, folder: &Path) -> Result<()> {
        let bytes: u64 = package.wheels.iter().map(|wheel| wheel.bytes).sum();
        let megabytes = crate::progress::megabytes(bytes);
        eprintln!(
            "set-up, once: {} ({megabytes:.0} MB to download) -> {}",
            package.folder,
            folder.display()
        );
        let downloads = self.root.join("downloads");
        let partial = self.root.join(format!("{}.partial", package.folder));
        remove_folder(&partial)?;
        for path in [&downloads, &partial] {
            fs::create_dir_all(path).map_err(|error| Error::io("create", path, &error))?;
        }
        let unpacked = unpack_all(package, &downloads, &partial);
        if let Err(error) = unpacked {
            remove_folder(&partial)?;
            // Keeps verified wheels for the next attempt; removes the folder only if it is empty.
            let _ = fs::remove_dir(&downloads);
            return Err(error);
        }
        replace(&partial, folder)?;
        remove_folder(&downloads)
    }

    /// Locks the cache, waiting for other processes. The lock is released when the returned file is dropped or the process ends.
    fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.root).map_err(|error| Error::io("create", &self.root, &error))?;
        let path = self.root.join("setup.lock");
        let file = File::create(&path).map_err(|error| Error::io("create", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                eprintln!("another set-up is running in {}; waiting for it", self.root.display());
                file.lock().map_err(|error| Error::io("lock", &path, &error))?;
                Ok(file)
            }
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path, &error)),
        }
    }
}

fn unpack_all(package: &Package, downloads: &Path, partial: &Path) -> Result<()> {
    let mut entries: Vec<Entry> = Vec::new();
    for wheel in &package.wheels {
        let path = wheel.obtain(downloads)?;
        entries.extend(unpack(wheel, &path, partial, &*package.select)?);
    }
    (package.inspect)(partial)?;
    Marker::new(&package.wheels, entries).write(partial)
}

/// Renames the finished folder to its place. An old folder is renamed first, so that the two never mix.
fn replace(finished: &Path, place: &Path) -> Result<()> {
    let mut old = place.as_os_str().to_owned();
    old.push(".old");
    let old = PathBuf::from(old);
    remove_folder(&old)?;
    if place.exists() {
        fs::rename(place, &old).map_err(|error| Error::io("rename", place, &error))?;
    }
    fs::rename(finished, place).map_err(|error| Error::io("rename", finished, &error))?;
    remove_folder(&old)
}

fn root(mnas: Option<OsString>, xdg: Option<OsString>, home: Option<OsString>) -> Result<PathBuf> {
    let given = |value: Option<OsString>| value.filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(root) = given(mnas) {
        return Ok(root);
    }
    // The XDG base directory specification: a relative path is invalid and must be ignored.
    if let Some(base) = given(xdg).filter(|base| base.is_absolute()) {
        return Ok(base.join("mnas"));
    }
    match given(home) {
        Some(home) => Ok(home.join(".cache").join("mnas")),
        None => Err(Error::new(
            "neither MNAS_CACHE, XDG_CACHE_HOME nor HOME is set: there is no folder for libtorch",
            "set MNAS_CACHE to a folder with 1.2 GB of free space",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_follows_its_variable_then_xdg_then_home() {
        let path = |mnas: &str, xdg: &str, home: &str| {
            root(Some(mnas.into()), Some(xdg.into()), Some(home.into()))
                .ok()
                .map(|path| path.display().to_string())
        };
        assert_eq!(path("/cache", "/xdg", "/home/me").as_deref(), Some("/cache"));
        assert_eq!(path("", "/xdg", "/home/me").as_deref(), Some("/xdg/mnas"));
        assert_eq!(
            path("", "relative", "/home/me").as_deref(),
            Some("/home/me/.cache/mnas")
        );
        assert_eq!(path("", "", ""), None);
    }

    fn package() -> Package {
        Package {
            folder: "abc-1.0-any".into(),
            wheels: Vec::new(),
            select: Box::new(|_| None),
            inspect: Box::new(|_| Ok(())),
        }
    }

    #[test]
    fn provide_replaces_what_has_no_marker_and_leaves_no_remains() -> std::result::Result<(), Box<dyn std::error::Error>>
    {
        let folder = tempfile::tempdir()?;
        let cache = Cache {
            root: folder.path().join("cache"),
        };
        let place = cache.root.join("abc-1.0-any");
        fs::create_dir_all(&place)?;
        fs::write(place.join("half-made"), b"")?;
        assert_eq!(cache.provide(&package(), false)?, place);
        let mut names: Vec<_> = fs::read_dir(&cache.root)?
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["abc-1.0-any", "setup.lock"]);
        assert!(!place.join("half-made").exists());
        Ok(())
    }

    #[test]
    fn a_failed_inspection_leaves_nothing_behind() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let cache = Cache {
            root: folder.path().into(),
        };
        let package = Package {
            inspect: Box::new(|_| Err(Error::new("wrong version", "none"))),
            ..package()
        };
        assert!(cache.provide(&package, false).is_err());
        assert!(!folder.path().join("abc-1.0-any").exists());
        assert!(!folder.path().join("abc-1.0-any.partial").exists());
        Ok(())
    }

    #[test]
    fn two_at_once_do_the_work_once() -> std::result::Result<(), Box<dyn std::error::Error>> {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir()?;
        let times = Arc::new(AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let (times, root) = (Arc::clone(&times), folder.path().to_path_buf());
                scope.spawn(move || {
                    let inspect = Box::new(move |_: &Path| {
                        times.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_millis(50));
                        Ok(())
                    });
                    Cache { root }
                        .provide(&Package { inspect, ..package() }, false)
                        .map(|_| ())
                });
            }
        });
        assert_eq!(times.load(Ordering::SeqCst), 1);
        Ok(())
    }
}

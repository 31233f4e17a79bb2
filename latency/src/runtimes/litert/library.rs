//! LiteRT library of the process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{ffi, notices};
use crate::error::RuntimeError;

/// Sizes in bytes and versions of the libraries that the set-up installs; LiteRT has no function that returns its version.
const KNOWN_BUILDS: [(u64, &str); 3] = [(8_039_424, "2.3.0"), (5_991_672, "2.3.0"), (6_362_912, "2.3.0")];
/// Name of the runtime.
pub(super) const NAME: &str = "litert";
/// Name of the library in messages.
const LIBRARY: &str = "LiteRT";
/// Oldest version with the required binary interface.
const OLDEST: &str = "2.1.6";

/// First library that was loaded successfully; a process loads only one.
static LOADED: Mutex<Option<Library>> = Mutex::new(None);

/// Loaded library.
#[derive(Clone)]
pub(super) struct Library {
    path: PathBuf,
    pub version: String,
    pub functions: &'static ffi::Library,
}

impl Library {
    /// Loads the library, or returns it if it is already loaded. It is an error if another one is loaded.
    pub fn load(path: &Path) -> Result<Self, RuntimeError> {
        let missing = |_| RuntimeError::LibraryMissing {
            runtime: LIBRARY,
            path: path.to_owned(),
        };
        let path = path.canonicalize().map_err(missing)?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = loaded.as_ref() {
            if library.path == path {
                return Ok(library.clone());
            }
            return Err(RuntimeError::AnotherLibrary {
                path,
                loaded: library.path.clone(),
            });
        }
        let bytes = path.metadata().map_err(missing)?.len();
        let functions = ffi::Library::load(&path).map_err(|fault| RuntimeError::LibraryUnusable {
            runtime: LIBRARY,
            path: path.clone(),
            reason: fault.to_string(),
            oldest: OLDEST.to_owned(),
        })?;
        notices::use_up(functions);
        let library = Self {
            path,
            version: version(bytes),
            functions,
        };
        *loaded = Some(library.clone());
        Ok(library)
    }
}

/// Version of a library of this size; the text for an unknown size contains the size, which distinguishes it from others.
fn version(bytes: u64) -> String {
    let known = KNOWN_BUILDS.iter().find(|(size, _)| *size == bytes);
    known.map_or_else(
        || format!("{OLDEST} or newer ({bytes} bytes)"),
        |(_, version)| (*version).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn an_unknown_library_is_told_apart_by_its_size() {
        assert_eq!(version(8_039_424), "2.3.0");
        assert_eq!(version(9), "2.1.6 or newer (9 bytes)");
    }
}

//! Real data of tests, which is not part of the repository. Every crate whose tests need it includes this file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Path of a file in the folder of real data, which is `MNAS_TEST_DATA`, else `../shared/data` of the workspace; `None` if the file is
/// missing and the test must be skipped.
///
/// # Panics
///
/// Panics if the file is missing and the variable `CI` is set and not empty, since continuous integration runs every test.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").exists())
        .expect("the crate is part of a workspace");
    let folder = std::env::var_os("MNAS_TEST_DATA").map_or_else(|| workspace.join("../shared/data"), PathBuf::from);
    let is_required = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    existing(folder.join(name), is_required)
}

/// Path of an existing file. Prints a line on standard error and returns `None` if it is missing, or panics if it
/// `is_required`.
pub fn existing(path: PathBuf, is_required: bool) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    let missing = path.display();
    assert!(
        !is_required,
        "{missing} is missing; set MNAS_TEST_DATA to the folder of the test data"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("SKIPPED {test}: {missing} is missing\n");
    // Not with `eprintln!`, which the test harness shows for failed tests only, and in one call, since tests run in parallel.
    let _ = std::io::stderr().write_all(line.as_bytes());
    None
}

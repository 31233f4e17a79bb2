//! Data of tests.

use std::path::{Path, PathBuf};

/// A file in the folder of real data; where it is missing, `None` with a line on standard error, and a failure in continuous integration.
pub(crate) fn real_data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("MNAS_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    let is_required = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(
        !is_required,
        "{} is missing; set MNAS_TEST_DATA to its folder",
        path.display()
    );
    let line = format!(
        "SKIPPED {}: {} is missing\n",
        std::thread::current().name().unwrap_or("a test"),
        path.display()
    );
    // Not with `eprintln!`, which the test harness shows for failed tests only.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    None
}

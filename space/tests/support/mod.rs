//! What several tests need.
#![allow(dead_code, clippy::print_stdout, reason = "each test uses its part; a skipped test says so")]

use std::path::PathBuf;

/// A file of the shared test data, or `None`, said aloud, where the data are not there.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MNAS_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: {} is missing", path.display());
    None
}

//! What several of the tests need.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::path::PathBuf;

use mnas_space::SearchSpace;

/// A file of the test data; `None`, and a line that says so, where it is missing.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub fn data(name: &str) -> Option<PathBuf> {
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

/// A space that comes with mnas.
pub fn space(name: &str) -> SearchSpace {
    let text = SearchSpace::embedded(name).unwrap_or_else(|| panic!("no space `{name}`"));
    SearchSpace::from_toml(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

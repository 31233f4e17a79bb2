//! Test data, spaces and random networks, shared by the test programs.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use mnas_space::{Architecture, BatchNorm, Op, SearchSpace, Shape, TensorId};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Path of a table of facts in the repository; `tests/data/README.md` states the sources.
pub fn fact_table(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Path of a data file that is not part of the repository; `None` if it is missing and the test must be skipped.
///
/// # Panics
///
/// Panics if the file is missing and the variable `CI` is set and not empty, since continuous integration runs every test.
pub fn external_data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("MNAS_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
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

/// Compiled-in space of this name.
pub fn space(name: &str) -> SearchSpace {
    let text = SearchSpace::embedded(name).unwrap_or_else(|| panic!("no space `{name}`"));
    SearchSpace::from_toml(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// TOML text of the space with every block type and option.
pub const EVERYTHING: &str = include_str!("../../../tests/spaces/everything.toml");

/// Space of [`EVERYTHING`], followed by all compiled-in spaces.
pub static SPACES: LazyLock<Vec<SearchSpace>> = LazyLock::new(|| {
    let embedded = SearchSpace::embedded_names().filter_map(SearchSpace::embedded);
    let texts = std::iter::once(EVERYTHING).chain(embedded);
    texts.map(|text| SearchSpace::from_toml(text).unwrap()).collect()
});

/// Space with every block type and option.
pub fn everything() -> &'static SearchSpace {
    &SPACES[0]
}

/// Random stream of a test case.
pub fn stream(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Random network of [`everything`].
pub fn random_architecture(seed: u64) -> Architecture {
    let space = everything();
    space.express(&space.sample(&mut stream(seed)), 1 + (seed % 11) as u32)
}

/// Computation of a network: its graph without the names of its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Computation {
    input: Shape,
    batch_norm: BatchNorm,
    operations: Vec<(Op, TensorId, Option<TensorId>, Shape)>,
}

/// Computation of an architecture.
pub fn computation(architecture: &Architecture) -> Computation {
    let graph = architecture.graph();
    let nodes = graph.nodes.iter();
    Computation {
        input: graph.input,
        batch_norm: graph.batch_norm,
        operations: nodes
            .map(|node| (node.op, node.inputs.0, node.inputs.1, node.output))
            .collect(),
    }
}

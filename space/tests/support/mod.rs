//! What several of the tests need.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::path::PathBuf;
use std::sync::LazyLock;

use mnas_space::{Architecture, BatchNorm, Op, SearchSpace, Shape, TensorId};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

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

/// The space that holds every block type and option.
pub const EVERYTHING: &str = include_str!("../../../tests/spaces/everything.toml");

/// [`EVERYTHING`] and every space that comes with mnas, by name.
pub static SPACES: LazyLock<Vec<SearchSpace>> = LazyLock::new(|| {
    let embedded = SearchSpace::embedded_names().filter_map(SearchSpace::embedded);
    let texts = std::iter::once(EVERYTHING).chain(embedded);
    texts.map(|text| SearchSpace::from_toml(text).unwrap()).collect()
});

/// The space that holds every block type and option.
pub fn everything() -> &'static SearchSpace {
    &SPACES[0]
}

/// The random stream of a test case.
pub fn stream(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A network drawn from [`EVERYTHING`].
pub fn random_architecture(seed: u64) -> Architecture {
    let space = everything();
    space.express(&space.sample(&mut stream(seed)), 1 + (seed % 11) as u32)
}

/// All that a network computes: its graph without the names of its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Computation {
    input: Shape,
    batch_norm: BatchNorm,
    operations: Vec<(Op, TensorId, Option<TensorId>, Shape)>,
}

/// The computation of an architecture.
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

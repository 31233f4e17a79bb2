//! Test data, spaces and random networks, shared by the test programs.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use mnas_space::{Architecture, BatchNorm, Op, SearchSpace, Shape, TensorId};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[path = "../../../tests/support/real_data.rs"]
pub mod real_data;

/// Path of a table of facts in the repository; `tests/data/README.md` states the sources.
pub fn fact_table(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
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

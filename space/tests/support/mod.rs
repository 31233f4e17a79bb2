//! Random architectures and spaces for tests.
#![allow(dead_code, reason = "not every test binary uses all of it")]

use std::sync::LazyLock;

use mnas_space::{Architecture, SearchSpace};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

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

//! Random streams, see [`mnas_space::random`].

pub use mnas_space::random::{derived_seed, stream};

//! Random streams, see [`mnas_space::random`].

pub(crate) use mnas_space::random::{derived_seed, stream};

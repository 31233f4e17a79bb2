//! Weights of networks: where they come from, and how file writers read them.

mod error;
mod fetch;
mod fold;
mod source;

pub use error::WeightError;
pub(crate) use fetch::{Tensor, fetch, fold_batch_norm};
pub use source::{RandomWeights, WeightSource};

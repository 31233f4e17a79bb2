//! Weights of networks: their sources, and their reading and folding by the file writers.

mod error;
mod fetch;
mod fold;
mod source;

pub use error::WeightError;
pub(crate) use fetch::{Tensor, fetch, fold_batch_norm};
pub use source::{RandomWeights, WeightSource};

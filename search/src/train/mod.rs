//! Training with libtorch: the module built from a graph, recipes, the training loop, weight files.

mod network;
mod optimizer;
mod recipe;
#[cfg(test)]
pub(crate) mod testing;
mod trainer;
pub mod weights;

pub use network::Network;
pub(crate) use network::{channels_last, seeded};
pub use optimizer::Sgd;
pub use recipe::{LearningRate, Recipe, RecipeError};
pub use trainer::{EpochReport, Evaluation, Progress, TrainError, TrainPlan, Trained, evaluate, train};

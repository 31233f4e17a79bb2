//! Training with libtorch: the module built from a graph, recipes, the training loop, weight files.
//!
//! Read [`Recipe`] first: it names everything that can be done. [`train`] does it; the parts that it puts together have a
//! file each (optimisers, the average of the weights, mixing of images, the teacher, checkpoints).

mod average;
mod checkpoint;
mod device;
mod evaluation;
mod feed;
mod mixing;
mod network;
mod optimizer;
mod recipe;
mod teacher;
#[cfg(test)]
pub(crate) mod testing;
mod throughput;
mod trainer;
pub mod weights;

pub use checkpoint::{CheckpointError, CheckpointPlan};
pub(crate) use device::cuda_library;
pub use device::{TrainDevice, TrainDeviceError};
pub use evaluation::{Confusion, Evaluation, evaluate, evaluate_by_class};
pub use network::{Dropout, Network, TrainingMode};
pub(crate) use network::{channels_last, seeded};
pub use optimizer::Optimizer;
pub use recipe::{Distillation, LearningRate, OptimizerKind, ProgressiveResolution, Recipe, RecipeError, Schedule};
pub use teacher::TeacherError;
pub use throughput::{Throughput, throughput};
pub use trainer::{EpochReport, Progress, TrainError, TrainPlan, Trained, train};

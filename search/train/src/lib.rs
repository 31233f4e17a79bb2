//! Training with libtorch: images, networks built from graphs, the training loop, evaluation, and the program `mnas-worker`.
//!
//! [`train`] runs a recipe on a network; the techniques of a recipe have a file each (optimisers, average of the weights, mixing of
//! images, distillation, checkpoints). [`serve`] answers the requests of a coordinator.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod average;
mod checkpoint;
pub mod data;
mod data_throughput;
mod device;
mod error;
mod evaluation;
mod feed;
pub mod inheritance;
mod memory;
mod mixing;
mod network;
mod optimizer;
mod process;
mod serve;
mod signals;
mod teacher;
#[cfg(test)]
pub(crate) mod testing;
mod throughput;
mod torch_runtime;
mod trainer;
mod weights;

pub use checkpoint::{CheckpointError, CheckpointPlan};
pub use device::{TrainDeviceError, cuda_library, open_device};
pub use error::TrainError;
pub use evaluation::{evaluate, evaluate_by_class};
pub use network::{Dropout, Network, TrainingMode, channels_last, seeded};
pub use optimizer::Optimizer;
pub use process::{PreloadError, prepare_process};
pub use serve::serve;
pub use teacher::TeacherError;
pub use throughput::{Throughput, throughput};
pub use torch_runtime::TorchRuntime;
pub use trainer::{Progress, TrainPlan, Trained, train};
pub use weights::{LoadError, load_weights, pretrained_network, weights_of};

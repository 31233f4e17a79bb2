//! Requests for trainings: the recipe, the images, the device and the proxy, as plain values without libtorch.

mod augmentation;
mod confusion;
mod data_request;
mod device;
mod normalization;
mod option;
mod parent;
mod proxy;
mod recipe;
mod report;
pub mod weights;

pub use augmentation::{Augmentation, ExtraAugmentation, RandAugment};
pub use confusion::Confusion;
pub use data_request::{DataRequest, Fit, OnCorrupt, Split};
pub use device::{TrainDevice, TrainDeviceName};
pub use normalization::Normalization;
pub use option::OptionError;
pub use parent::ParentWeights;
pub use proxy::Proxy;
pub use recipe::{Distillation, LearningRate, OptimizerKind, ProgressiveResolution, Recipe, RecipeError, Schedule};
pub use report::{Accuracy, EpochReport};

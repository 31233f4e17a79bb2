//! Training: what it is given, what it reports, and why it may end without a network.
//!
//! [`train`] runs a [`session`] from its start, or from a checkpoint, to its end.

mod session;

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tch::TchError;

use super::Network;
use super::checkpoint::{CheckpointError, CheckpointPlan};
use super::evaluation::{Evaluation, check_labels};
use super::teacher::TeacherError;
use crate::data::{BatchOptions, DataError, ImageSet};
use mnas_engine::training::Recipe;
use mnas_engine::training::{Augmentation, ExtraAugmentation, Normalization, Split};
use session::Session;

/// What a training needs besides the network.
#[derive(Debug, Clone)]
pub struct TrainPlan<'a> {
    /// Images to learn from.
    pub train: &'a Arc<ImageSet>,
    /// Images to compare on.
    pub val: &'a Arc<ImageSet>,
    /// Side of the images as the network sees them, in pixels.
    pub resolution: u32,
    /// How the images are normalised.
    pub normalization: Normalization,
    /// How to train.
    pub recipe: &'a Recipe,
    /// Decides order, augmentation and mixing of the images, and dropout.
    pub seed: u64,
    /// Whether to look at the validation images after every epoch, or after the last one only.
    pub validate_every_epoch: bool,
    /// Where the training is written down, and read from where that file exists; `None` to do without.
    pub checkpoint: Option<CheckpointPlan>,
}

/// Where a training stands after an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Epochs done.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Mean training loss of the epoch.
    pub loss: f64,
    /// Learning rate of its last step.
    pub learning_rate: f64,
    /// Side of its training images in pixels.
    pub resolution: u32,
    /// On the validation images, where they were looked at; with an average of the weights, of the averaged network.
    pub evaluation: Option<Evaluation>,
    /// Training images per second of the epoch, evaluation not counted.
    pub images_per_second: f64,
    /// Share of the time of training, evaluation not counted, in which the next batch was waited for, 0 to 1.
    pub data_wait_share: f64,
    /// Seconds of the epoch, evaluation included.
    pub seconds: f64,
}

/// The result of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// On the validation images, after the last epoch.
    pub evaluation: Evaluation,
    /// Every epoch's report.
    pub epochs: Vec<EpochReport>,
    /// Seconds from start to end, those before an interruption included.
    pub seconds: f64,
}

/// Why a training ended without a network.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The loss is no longer a number, or an epoch's mean a hundred times that of guessing.
    #[error("the loss became {loss} in epoch {epoch}, step {step}; a lower learning rate or longer warm-up may help")]
    Diverged {
        /// The epoch, from 1.
        epoch: u32,
        /// The step in it, from 1.
        step: usize,
        /// NaN, infinity, or far too large.
        loss: f64,
    },
    /// The observer asked to stop.
    #[error("interrupted in epoch {epoch}")]
    Interrupted {
        /// The epoch, from 1.
        epoch: u32,
    },
    /// Too few images for one step.
    #[error("{images} training images make no batch; at least 2 are needed")]
    NoBatches {
        /// Training images.
        images: usize,
    },
    /// The network has no score for the class of an image.
    #[error(
        "{set} image {image} is of class {label} (`{class}`, counted from 0), the network tells {classes} classes apart; \
         give it at least {} classes", label + 1
    )]
    Label {
        /// Which split the image is of.
        set: Split,
        /// The image, from 0.
        image: usize,
        /// Its class, from 0.
        label: u32,
        /// The class's name.
        class: String,
        /// How many classes the network tells apart.
        classes: u32,
    },
    /// A batch could not be made.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The teacher cannot teach.
    #[error(transparent)]
    Teacher(#[from] TeacherError),
    /// The training cannot be written down, or go on from what was.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// libtorch refused, for want of memory for example.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
}

fn first_line(error: &TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// What an observer of a training hears.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A step was made.
    Step {
        /// Share of the whole training that is done, 0 to 1.
        done: f64,
        /// The epoch under way, from 1.
        epoch: u32,
        /// Mean training loss of the epoch so far, where it is known.
        loss: Option<f64>,
        /// Training images per second of the epoch so far.
        images_per_second: f64,
        /// Share of the epoch so far in which the next batch was waited for, 0 to 1.
        data_wait_share: f64,
    },
    /// An epoch ended.
    Epoch(&'a EpochReport),
}

/// Trains `network`; `observer` hears of every epoch and of every step, and may stop the training.
///
/// Where the plan's checkpoint exists, the training goes on from it, to the same end as if it had never stopped: on a CPU
/// to the last bit. With an average of the weights, the averaged ones are evaluated and are what `network` holds at the end.
pub fn train(
    network: &Network,
    plan: &TrainPlan<'_>,
    observer: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Trained, TrainError> {
    check_labels(network, plan.train)?;
    check_labels(network, plan.val)?;
    let mut session = Session::start(network, plan)?;
    while session.epochs_done() < plan.recipe.epochs {
        session.epoch(observer)?;
    }
    session.finish()
}

impl TrainPlan<'_> {
    fn train_options(&self, epoch: u32) -> BatchOptions {
        BatchOptions {
            batch_size: self.recipe.batch_size,
            resolution: self.recipe.resolution_at(epoch, self.resolution),
            augmentation: self.recipe.augmentation,
            extra: self.recipe.extra_augmentation(),
            normalization: self.normalization,
            seed: self.seed,
        }
    }

    fn eval_options(&self) -> BatchOptions {
        BatchOptions {
            batch_size: self.recipe.batch_size,
            resolution: self.resolution,
            augmentation: Augmentation::None,
            extra: ExtraAugmentation::default(),
            normalization: self.normalization,
            seed: self.seed,
        }
    }

    /// Everything the result follows from, as far as it is not in the checkpoint itself.
    fn identity(&self, architecture: &str) -> serde_json::Value {
        serde_json::json!({
            "architecture": architecture,
            "recipe": self.recipe,
            "resolution": self.resolution,
            "normalization": self.normalization,
            "seed": self.seed,
            "validate-every-epoch": self.validate_every_epoch,
            "data": {
                "classes": self.train.classes(),
                "train-images": self.train.len(),
                "val-images": self.val.len(),
                "size": self.train.size(),
            },
        })
    }
}

#[cfg(test)]
mod tests;

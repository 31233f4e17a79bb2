//! Input, progress and result of a training.

use std::sync::Arc;

use mnas_engine::training::{Accuracy, Augmentation, EpochReport, ExtraAugmentation, Normalization, Recipe};

use crate::checkpoint::CheckpointPlan;
use crate::data::{BatchOptions, ImageSet};

/// Everything that a training needs besides the network.
#[derive(Debug, Clone)]
pub struct TrainPlan<'a> {
    /// Images to learn from.
    pub train: &'a Arc<ImageSet>,
    /// Images to validate on.
    pub val: &'a Arc<ImageSet>,
    /// Side of the network's input images in pixels.
    pub resolution: u32,
    /// Normalisation of the images.
    pub normalization: Normalization,
    /// The recipe.
    pub recipe: &'a Recipe,
    /// Seed of the order, augmentation and mixing of the images, and of dropout.
    pub seed: u64,
    /// True to validate after every epoch, false to validate after the last one only.
    pub validate_every_epoch: bool,
    /// Checkpoint that the training is saved to, and resumed from where it exists.
    pub checkpoint: Option<CheckpointPlan>,
}

/// The result of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Accuracy on the validation images after the last epoch.
    pub validation: Accuracy,
    /// Report of every epoch.
    pub epochs: Vec<EpochReport>,
    /// Seconds of training and validation, those before an interruption included.
    pub seconds: f64,
}

/// Progress that an observer of a training receives.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A step is done.
    Step {
        /// Share of the whole training, 0 to 1.
        done: f64,
        /// The epoch under way, from 1.
        epoch: u32,
        /// Mean training loss of the epoch so far, where it was read.
        loss: Option<f64>,
        /// Training images per second of the epoch so far.
        images_per_second: f64,
        /// Share of the epoch so far spent waiting for the next batch, 0 to 1.
        data_wait_share: f64,
    },
    /// The training is resumed from a checkpoint, after these epochs.
    Resumed(&'a [EpochReport]),
    /// A corrupt image was skipped, with its error; each image once.
    Skipped(&'a str),
    /// An epoch is done.
    Epoch(&'a EpochReport),
}

impl TrainPlan<'_> {
    pub(super) fn train_options(&self, epoch: u32) -> BatchOptions {
        BatchOptions {
            batch_size: self.recipe.batch_size,
            resolution: self.recipe.resolution_at(epoch, self.resolution),
            augmentation: self.recipe.augmentation,
            extra: self.recipe.extra_augmentation(),
            normalization: self.normalization,
            seed: self.seed,
        }
    }

    /// Options of batches for validation.
    pub(crate) fn eval_options(&self) -> BatchOptions {
        BatchOptions {
            batch_size: self.recipe.batch_size,
            resolution: self.resolution,
            augmentation: Augmentation::None,
            extra: ExtraAugmentation::default(),
            normalization: self.normalization,
            seed: self.seed,
        }
    }

    /// Everything that determines the result, except the state in the checkpoint itself.
    pub(super) fn identity(&self) -> serde_json::Value {
        let checkpoint = self.checkpoint.as_ref();
        serde_json::json!({
            "architecture": checkpoint.map_or("", |checkpoint| &checkpoint.architecture),
            "parent": checkpoint.and_then(|checkpoint| checkpoint.parent.as_ref()),
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

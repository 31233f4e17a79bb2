//! What coordinator and worker say to each other, one JSON document a line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::training::{Augmentation, DataRequest, Proxy, Recipe};

/// From the coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToWorker {
    /// Load the images; answered by `ready` or `refused`.
    Prepare {
        /// Which images.
        data: DataRequest,
        /// The largest training resolution that will be asked for.
        resolution: u32,
        /// How training images will be varied.
        augmentation: Augmentation,
        /// libtorch's threads.
        threads: usize,
    },
    /// Train a network; answered by `progress` lines and then `done` or `failed`.
    Train(Box<TrainRequest>),
}

/// One training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrainRequest {
    /// Comes back in every answer.
    pub trial: u64,
    /// The deployed network, as a string.
    pub architecture: String,
    /// What is trained in its place.
    pub proxy: Proxy,
    /// How.
    pub recipe: Recipe,
    /// Decides the initial weights, the order and the augmentation of the images.
    pub seed: u64,
    /// Where to save the weights.
    pub weights: Option<PathBuf>,
    /// Where to write down how far the training is, and to go on from.
    #[serde(default)]
    pub checkpoint: Option<PathBuf>,
}

/// What came out of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrainResult {
    /// Validation top-1 in percent.
    pub accuracy: f64,
    /// Validation top-5 in percent.
    pub top5: f64,
    /// Mean training loss of the last epoch.
    pub train_loss: f64,
    /// Seconds it took.
    pub seconds: f64,
    /// Training images per second.
    pub images_per_second: f64,
    /// Share of the time of training in which the next batch was waited for, 0 to 1.
    #[serde(default)]
    pub data_wait_share: f64,
}

/// From the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromWorker {
    /// The images are loaded.
    Ready(Box<Ready>),
    /// The images cannot be loaded; the worker ends.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
    /// Images decoded so far.
    Loading {
        /// Images done.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// A training goes on.
    Progress {
        /// Which.
        trial: u64,
        /// Share done, 0 to 1.
        done: f64,
    },
    /// A training ended well.
    Done {
        /// Which.
        trial: u64,
        /// Its result.
        result: TrainResult,
    },
    /// A training ended without a network; the worker goes on.
    Failed {
        /// Which.
        trial: u64,
        /// Why.
        reason: String,
    },
    /// A training ended well, but its weights cannot be saved (a full disk): no fault of the trial's, which counts as
    /// not trained.
    Unsaved {
        /// Which.
        trial: u64,
        /// Which file and why.
        reason: String,
    },
}

/// What a worker loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ready {
    /// The data set's name.
    pub name: String,
    /// One line about it, for people.
    pub description: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Training images.
    pub train: usize,
    /// Validation images.
    pub val: usize,
    /// Side of the stored images in pixels.
    pub size: u32,
    /// Whether the images are the synthetic demo.
    pub demo: bool,
    /// What was skipped as corrupt.
    pub skipped: Vec<String>,
}

//! Requests of the coordinator and replies of the worker, as they travel over a pipe.

use std::path::PathBuf;

use mnas_latency::pipe::Protocol;
use serde::{Deserialize, Serialize};

use crate::training::{Augmentation, DataRequest, Proxy, Recipe};

/// The protocol of training workers. Its version changes with every change of a request or a reply.
pub const PROTOCOL: Protocol = Protocol {
    name: "mnas-worker",
    version: 1,
};

/// A request of the coordinator.
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

/// Progress of a request, or its reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromWorker {
    /// Reply: the images are loaded.
    Ready(Box<Ready>),
    /// Reply: the images cannot be loaded; the worker ends.
    Refused {
        /// The reason, and the remedy.
        reason: String,
    },
    /// Progress: images decoded so far.
    Loading {
        /// Images done.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// Progress: a share of a training is done.
    Progress {
        /// Share done, 0 to 1.
        done: f64,
    },
    /// Reply: a training ended well.
    Done(Box<TrainResult>),
    /// Reply: a training ended without a network; the worker goes on.
    Failed {
        /// The reason.
        reason: String,
    },
    /// Reply: a training ended well, but its weights cannot be saved (a full disk): no fault of the trial's, which counts
    /// as not trained.
    Unsaved {
        /// The file, the reason, and the remedy.
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
    /// Images skipped as corrupt.
    pub skipped: Vec<String>,
    /// Hash of all loaded images and labels: workers with the same fingerprint train on the same images.
    pub fingerprint: String,
}

//! What coordinator and worker say to each other, one JSON document a line.

use std::path::PathBuf;

use mnas_space::Architecture;
use serde::{Deserialize, Serialize};

use crate::data::{Augmentation, DataRequest, DataSummary};
use crate::train::Recipe;

/// What is trained in place of the deployed network, to compare candidates at less cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Proxy {
    /// Training resolution as a share of the deployed one; a candidate's resolution keeps its meaning that way.
    pub resolution_scale: f64,
    /// How many of the earliest strides are removed.
    pub early_strides_removed: usize,
}

impl Proxy {
    /// What is trained is what is deployed.
    pub const DIRECT: Self = Self {
        resolution_scale: 1.0,
        early_strides_removed: 0,
    };

    /// Whether what is trained is what is deployed.
    pub fn is_direct(&self) -> bool {
        *self == Self::DIRECT
    }

    /// Training resolution of a network deployed at `resolution`, at least 8 pixels.
    pub fn resolution(&self, resolution: u32) -> u32 {
        ((f64::from(resolution) * self.resolution_scale).round() as u32).max(8)
    }

    /// The network as it is trained.
    pub fn apply(&self, deployed: &Architecture) -> Architecture {
        deployed
            .clone()
            .with_resolution(self.resolution(deployed.resolution))
            .without_early_strides(self.early_strides_removed)
    }
}

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

impl From<&DataSummary> for Ready {
    fn from(summary: &DataSummary) -> Self {
        Self {
            name: summary.name.clone(),
            description: summary.to_string(),
            classes: summary.classes.clone(),
            train: summary.train,
            val: summary.val,
            size: summary.size,
            demo: summary.is_demo(),
            skipped: summary.skipped.clone(),
        }
    }
}

//! Requests of the coordinator and replies of the worker, as they travel over a pipe.
//!
//! | request | progress | replies |
//! |---|---|---|
//! | [`ToWorker::Inspect`] | | `Inspected` |
//! | [`ToWorker::Prepare`] | `Loading` | `Ready`, `Refused` |
//! | [`ToWorker::Train`] | `Inherited`, `Resumed`, `Progress`, `Epoch`, `Warning` | `Done`, `Unsaved`, `Interrupted` |
//! | [`ToWorker::Cancel`] | | `Cancelling` |
//! | [`ToWorker::Evaluate`] | `Loading`, `Warning` | `Evaluated`, `Interrupted` |
//! | [`ToWorker::Throughput`] | | `Throughput` |
//! | [`ToWorker::DataThroughput`] | | `DataThroughput` |
//! | [`ToWorker::Scores`] | | `Scores` |
//! | [`ToWorker::Images`] | `Loading`, `Warning`, `Images` | `ImagesRead`, `Interrupted` |
//! | [`ToWorker::TorchScript`] | | `Written`, `Unsaved` |
//! | [`ToWorker::TorchScriptScores`] | | `Scores` |
//! | [`ToWorker::Signals`] | | `Signals` |
//!
//! Every request may also be answered by `Failed`. A worker handles requests one after the other, except `Cancel`, which takes effect
//! when it arrives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mnas_latency::pipe::Protocol;
use serde::{Deserialize, Serialize};

use super::floats::Floats;
use super::signals::SignalsRequest;
use crate::ranking::Measured;
use crate::training::{
    Accuracy, Augmentation, Confusion, DataRequest, EpochReport, Fit, Normalization, ParentWeights, Proxy, Recipe,
    Split,
};

/// The protocol of training workers. Its version changes with every change of a request or a reply.
pub const PROTOCOL: Protocol = Protocol {
    name: "mnas-worker",
    version: 6,
};

/// Version of libtorch that workers of this version link.
pub const LIBTORCH_VERSION: &str = "2.11.0";

/// Facts that a worker states in its hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WorkerFacts {
    /// Version of libtorch.
    pub libtorch: String,
    /// File that libtorch was loaded from, where the system reports it.
    pub library: Option<PathBuf>,
    /// True if libtorch computes a sum correctly.
    pub computes: bool,
    /// Threads that libtorch uses by default.
    pub threads: usize,
    /// CUDA devices that libtorch finds.
    pub cuda_devices: usize,
}

/// A request of the coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToWorker {
    /// Recognise a data set without loading it.
    Inspect(DataRequest),
    /// Load the images that later trainings use.
    Prepare {
        /// The images.
        data: DataRequest,
        /// Largest training resolution of later trainings in pixels.
        resolution: u32,
        /// Augmentation of later trainings.
        augmentation: Augmentation,
        /// Threads of libtorch.
        threads: usize,
    },
    /// Train a network on the loaded images.
    Train(Box<TrainRequest>),
    /// Interrupt the request that is being handled: a training saves its checkpoint first.
    Cancel,
    /// Evaluate weights on a split.
    Evaluate(Box<EvaluateRequest>),
    /// Measure the training speed of a network on random images.
    Throughput(Box<ThroughputRequest>),
    /// Measure the speed at which the training images of a data set are read, augmented and batched.
    DataThroughput(DataThroughputRequest),
    /// Compute the scores of a network on given images.
    Scores(Box<ScoresRequest>),
    /// Read images in the form that a network takes.
    Images(Box<ImagesRequest>),
    /// Write a network as TorchScript.
    TorchScript(Box<TorchScriptRequest>),
    /// Compute scores with a TorchScript file.
    TorchScriptScores(Box<TorchScriptScoresRequest>),
    /// Measure signals of a network with random weights.
    Signals(Box<SignalsRequest>),
}

/// One training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrainRequest {
    /// Deployed network, as a string.
    pub architecture: String,
    /// Changes to the network that is trained in its place.
    pub proxy: Proxy,
    /// Recipe.
    pub recipe: Recipe,
    /// Seed of the initial weights, and of the order and augmentation of the images.
    pub seed: u64,
    /// File of the weights that the training begins with, of the same network. Default: random weights.
    #[serde(default)]
    pub start_from: Option<PathBuf>,
    /// Network from which the training inherits its first weights, where it does not begin with weights of the same network. Batch-norm
    /// is recalibrated before the training. Default: random weights.
    #[serde(default)]
    pub parent: Option<ParentWeights>,
    /// Normalisation of the images. Default: that of the parent's weights where it is known, else the mean and deviation of the images.
    #[serde(default)]
    pub normalization: Option<Normalization>,
    /// File to save the weights to.
    pub weights: Option<PathBuf>,
    /// State to save and to resume from.
    #[serde(default)]
    pub checkpoint: Option<CheckpointRequest>,
    /// True to validate after every epoch, false to validate after the last one only.
    #[serde(default)]
    pub validate_every_epoch: bool,
    /// True to evaluate the trained network on the test split too, where the data set has one. Trials of a search do not.
    #[serde(default)]
    pub test: bool,
}

/// File that holds the state of a training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CheckpointRequest {
    /// The file; the training is resumed from it where it exists.
    pub path: PathBuf,
    /// Time between two savings.
    pub every: Duration,
    /// True if the file belongs to the worker: one that is damaged or of another training is discarded, and it is removed when the
    /// training ends or fails. Otherwise it belongs to a user: one that does not fit is refused, and it is left in place.
    pub is_temporary: bool,
}

impl CheckpointRequest {
    /// Checkpoint of a trial of a search, saved every minute: shorter trainings are repeated instead.
    pub fn of_trial(path: PathBuf) -> Self {
        Self {
            path,
            every: Duration::from_mins(1),
            is_temporary: true,
        }
    }
}

/// Weights that a training inherited.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InheritedWeights {
    /// Share of the parameters that were inherited, 0 to 1.
    pub share: f64,
    /// Classes whose rows of the classifier were inherited, as the parent has classes of the same names; `None` where the parent's
    /// weights do not name their classes.
    pub kept_classes: Option<usize>,
    /// Classes of the network.
    pub classes: usize,
}

/// Result of a training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrainResult {
    /// Validation top-1 in percent.
    pub accuracy: f64,
    /// Validation top-5 in percent.
    pub top5: f64,
    /// Mean training loss of the last epoch.
    pub train_loss: f64,
    /// Seconds of training and validation.
    pub seconds: f64,
    /// Training images per second, mean of the epochs.
    pub images_per_second: f64,
    /// Share of the training time spent waiting for the next batch, 0 to 1, mean of the epochs.
    #[serde(default)]
    pub data_wait_share: f64,
    /// Number of validation images; 0 where it was not recorded.
    #[serde(default)]
    pub validation_images: usize,
    /// Report of every epoch.
    #[serde(default)]
    pub epochs: Vec<EpochReport>,
    /// Share of the parameters that were inherited from a parent, 0 to 1, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<f64>,
    /// Accuracy on the test split, where it was requested and there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Accuracy>,
}

/// One evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EvaluateRequest {
    /// Network, as a string.
    pub architecture: String,
    /// File of the weights.
    pub weights: PathBuf,
    /// The images.
    pub data: DataRequest,
    /// Split of the data set.
    pub split: Split,
    /// Side of the stored images in pixels, before they are scaled to the resolution of the network.
    pub image_size: u32,
    /// Conversion of images to squares.
    pub fit: Fit,
    /// Normalisation of the images. Default: that of the weights, else the mean and deviation of the images.
    pub normalization: Option<Normalization>,
    /// Number of the score of each class name. Default: by the class names of the weights, else in the order of the data set.
    pub label_map: Option<BTreeMap<String, u32>>,
    /// Images per batch.
    pub batch_size: usize,
    /// Threads of libtorch.
    pub threads: usize,
}

/// Result of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evaluated {
    /// Accuracy on all images.
    pub accuracy: Accuracy,
    /// Predictions of each class.
    pub confusion: Confusion,
    /// Name of the class of each score.
    pub classes: Vec<String>,
}

/// One measurement of training speed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ThroughputRequest {
    /// Network, as a string.
    pub architecture: String,
    /// Recipe: its batch size, optimiser, weight decay and label smoothing count.
    pub recipe: Recipe,
    /// Threads of libtorch.
    pub threads: usize,
    /// Duration of the measurement.
    pub time: Duration,
}

/// Training speed of a network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Throughput {
    /// Batch size divided by the median time of a step.
    pub images_per_second: f64,
    /// Steps measured.
    pub steps: usize,
    /// Largest memory of the worker in MiB, where the system reports it.
    pub peak_memory_mib: Option<f64>,
}

/// One measurement of the speed of reading images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DataThroughputRequest {
    /// Path of the data set.
    pub data: PathBuf,
    /// Side of the images in a batch, in pixels.
    pub resolution: u32,
    /// Images per batch.
    pub batch_size: usize,
    /// Duration of each of the two measurements.
    pub time: Duration,
}

/// Speed at which training images are read, cropped at random, flipped, normalised and batched on all cores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DataThroughput {
    /// Number of images.
    pub images: usize,
    /// Images per second where every image is read and decoded each time.
    pub images_per_second: f64,
    /// Images per second where the decoded images are in memory.
    pub kept_images_per_second: f64,
    /// Seconds to decode all images once.
    pub decode_seconds: f64,
    /// Largest memory of the worker in MiB, where the system reports it.
    pub peak_memory_mib: Option<f64>,
}

/// One computation of scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScoresRequest {
    /// Network, as a string.
    pub architecture: String,
    /// File of the weights.
    pub weights: PathBuf,
    /// Normalised images, each `[3, height, width]` at the resolution of the network.
    pub images: Vec<Floats>,
}

/// Images to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImagesRequest {
    /// Place of the images.
    pub source: ImagesSource,
    /// Side of the images at the input of the network, in pixels.
    pub resolution: u32,
    /// Side of the stored images in pixels, before they are scaled to `resolution`.
    pub image_size: u32,
    /// Conversion of images to squares.
    pub fit: Fit,
    /// Normalisation. Default: the mean and deviation of the images.
    pub normalization: Option<Normalization>,
}

/// Place of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImagesSource {
    /// Files, without labels.
    Files(Vec<PathBuf>),
    /// Split of a data set.
    Split {
        /// The data set.
        data: DataRequest,
        /// The split.
        split: Split,
        /// Number of the score of each class name. Default: in the order of the data set.
        label_map: Option<BTreeMap<String, u32>>,
        /// Number of scores of the network; classes of the data set have to be among them.
        scores: u32,
    },
}

/// Export of a network as a TorchScript file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TorchScriptRequest {
    /// Network, as a string.
    pub architecture: String,
    /// File of the weights.
    pub weights: PathBuf,
    /// File to write.
    pub output: PathBuf,
}

/// One computation of scores with a TorchScript file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TorchScriptScoresRequest {
    /// The file.
    pub file: PathBuf,
    /// Shape of an image.
    pub shape: [u32; 3],
    /// Normalised images, each `[3, height, width]`.
    pub images: Vec<Floats>,
}

/// Progress of a request, or its reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromWorker {
    /// Reply: the data set is recognised.
    Inspected(Box<Inspected>),
    /// Reply: the images are loaded.
    Ready(Box<Ready>),
    /// Reply: the images cannot be loaded, or the device does not exist; the worker ends.
    Refused {
        /// The reason, and the remedy.
        reason: String,
        /// Cause of the refusal.
        #[serde(default)]
        kind: FailureKind,
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
        /// Epoch under way, from 1.
        epoch: u32,
        /// Mean training loss of the epoch so far, where it was read.
        loss: Option<f64>,
        /// Training images per second of the epoch so far.
        images_per_second: f64,
        /// Share of the epoch so far spent waiting for the next batch, 0 to 1.
        data_wait_share: f64,
    },
    /// Progress: a training has the weights that it inherits from a parent.
    Inherited(InheritedWeights),
    /// Progress: a training is resumed from a checkpoint.
    Resumed {
        /// Reports of the epochs done.
        epochs: Vec<EpochReport>,
    },
    /// Progress: a message for the user, such as a corrupt image that is skipped.
    Warning {
        /// The message.
        message: String,
    },
    /// Progress: an epoch of a training is done.
    Epoch(Box<EpochReport>),
    /// Reply: a training is complete.
    Done(Box<TrainResult>),
    /// Reply: the request has no result; the worker goes on.
    Failed {
        /// The reason.
        reason: String,
        /// Cause of the failure.
        #[serde(default)]
        kind: FailureKind,
    },
    /// Reply: the weights or the checkpoint of a training cannot be written (a full disk). The network is not at fault: its trial counts
    /// as not trained.
    Unsaved {
        /// The file, the reason, and the remedy.
        reason: String,
    },
    /// Reply: the request was cancelled. A training has saved its checkpoint, where it has one.
    Interrupted {
        /// Epoch of the training in which it was interrupted, from 1; 0 before the first.
        epoch: u32,
    },
    /// Reply to a cancellation.
    Cancelling,
    /// Reply: an evaluation is complete.
    Evaluated(Box<Evaluated>),
    /// Reply: the training speed.
    Throughput(Throughput),
    /// Reply: the speed of reading images.
    DataThroughput(DataThroughput),
    /// Reply: the scores of each image.
    Scores(Vec<Floats>),
    /// Reply: the file is written.
    Written,
    /// Progress: some of the images of a request.
    Images {
        /// Normalised images, each `[height, width, 3]`.
        images: Vec<Floats>,
        /// Class of each image; 0 for images without labels.
        labels: Vec<u32>,
    },
    /// Reply: all images of a request are read.
    ImagesRead {
        /// Number of images.
        images: usize,
        /// Normalisation that was applied.
        normalization: Normalization,
        /// Names of the classes; none for images without labels.
        classes: Vec<String>,
    },
    /// Reply: the value of each signal, in the order of the request.
    Signals(Vec<Measured>),
}

/// Cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The computation or the machine: a training that diverges, memory that is missing, a device that is not there.
    #[default]
    Computation,
    /// Files, data or settings that cannot be used as they are.
    Input,
}

/// A data set that was recognised and not loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inspected {
    /// Name of the data set.
    pub name: String,
    /// Name of its format.
    pub format: String,
    /// True if the images are the synthetic demo.
    pub demo: bool,
    /// Largest short side among some of the training images, in pixels; `None` where none can be read or all are drawn.
    pub side: Option<u32>,
    /// Names of the classes; none where the training split cannot be read.
    pub classes: Vec<String>,
}

/// A data set that a worker loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ready {
    /// Name of the data set.
    pub name: String,
    /// Description in one line, for people.
    pub description: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Number of training images.
    pub train: usize,
    /// Number of validation images.
    pub val: usize,
    /// Side of the stored images in pixels.
    pub size: u32,
    /// True if the images are the synthetic demo.
    pub demo: bool,
    /// Images skipped as corrupt.
    pub skipped: Vec<String>,
    /// Hash of all loaded images and labels: workers with the same fingerprint train on the same images.
    #[serde(default)]
    pub fingerprint: String,
}

//! Numbers that a training or an evaluation reports.

use serde::{Deserialize, Serialize};

/// Accuracy of a network on a set of images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Accuracy {
    /// Share of images whose highest score is the right class, in percent.
    pub top1: f64,
    /// Share of images whose class is among the five highest scores, in percent.
    pub top5: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Number of images.
    pub images: usize,
}

/// State of a training after an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Accuracy on the validation images, where it was computed; with an average of the weights, that of the averaged network.
    pub validation: Option<Accuracy>,
    /// Training images per second of the epoch, without evaluation.
    pub images_per_second: f64,
    /// Share of the training time, without evaluation, spent waiting for the next batch, 0 to 1.
    pub data_wait_share: f64,
    /// Seconds of the epoch, evaluation included.
    pub seconds: f64,
}

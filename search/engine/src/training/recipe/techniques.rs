//! Techniques of a recipe that have settings of their own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum OptimizerKind {
    /// Stochastic gradient descent with Nesterov momentum, as `PyTorch` defines it.
    #[default]
    Sgd,
    /// `RMSprop` as in the TensorFlow code of the `MobileNet` papers: epsilon inside the root, a mean square that starts at 1, the
    /// learning rate in the momentum buffer.
    Rmsprop {
        /// Decay of the mean square.
        #[serde(default = "rmsprop_decay")]
        decay: f64,
        /// Constant added to the mean square under the root.
        #[serde(default = "rmsprop_epsilon")]
        epsilon: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), as `PyTorch` defines it.
    Adamw {
        /// Decay of the mean.
        #[serde(default = "adam_beta1")]
        beta1: f64,
        /// Decay of the mean square.
        #[serde(default = "adam_beta2")]
        beta2: f64,
        /// Constant added to the root of the mean square.
        #[serde(default = "adam_epsilon")]
        epsilon: f64,
    },
}

fn rmsprop_decay() -> f64 {
    0.9
}

/// `MnasNet`'s and `EfficientNet`'s value; MobileNetV1 and V2 were trained with 1.0.
fn rmsprop_epsilon() -> f64 {
    1e-3
}

fn adam_beta1() -> f64 {
    0.9
}

fn adam_beta2() -> f64 {
    0.999
}

fn adam_epsilon() -> f64 {
    1e-8
}

/// Distillation from the scores of a teacher: the loss is `(1 - weight) * cross-entropy + weight * temperature² * KL`, where KL is the
/// divergence of the student's softened distribution from the teacher's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Distillation {
    /// Weight file of the teacher; a relative path starts at the working directory.
    pub weights: PathBuf,
    /// Architecture of the teacher as a string, where the file does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Temperature: divisor of all scores before the softmax.
    #[serde(default = "temperature")]
    pub temperature: f64,
    /// Weight of the divergence in the loss.
    #[serde(default = "weight")]
    pub weight: f64,
}

fn temperature() -> f64 {
    4.0
}

fn weight() -> f64 {
    0.5
}

/// Smaller images in early epochs: the epochs are divided into stages of equal length, and the resolution rises evenly
/// from stage to stage up to the network's own in the last one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProgressiveResolution {
    /// Resolution of the first stage as a share of the network's.
    pub from: f64,
    /// Number of stages.
    #[serde(default = "stages")]
    pub stages: u32,
}

fn stages() -> u32 {
    4
}

impl ProgressiveResolution {
    /// Side of the training images in epoch `epoch` of `epochs` (from 1), in pixels: a multiple of 8, or the network's own.
    pub fn at(&self, epoch: u32, epochs: u32, resolution: u32) -> u32 {
        let stage = u64::from(epoch.saturating_sub(1)) * u64::from(self.stages) / u64::from(epochs.max(1));
        let last = u64::from(self.stages.saturating_sub(1));
        if stage >= last {
            return resolution;
        }
        let share = self.from + (1.0 - self.from) * stage as f64 / last as f64;
        let side = (f64::from(resolution) * share / 8.0).round() as u32 * 8;
        side.clamp(8.min(resolution), resolution)
    }
}

impl OptimizerKind {
    /// Name in recipes.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Rmsprop { .. } => "rmsprop",
            Self::Adamw { .. } => "adamw",
        }
    }
}

//! How to train: a TOML recipe.
//!
//! A recipe that says nothing about a technique does not use it, so a short file is a plain training and everything in
//! effect can be read in the file. The names are those of the papers; `configs/recipes/` holds examples with their origin.

mod check;
mod schedule;
mod techniques;

use mnas_space::{DocumentError, parse_toml};
use serde::{Deserialize, Serialize};

use super::{Augmentation, ExtraAugmentation, RandAugment};

pub use schedule::{LearningRate, Schedule};
pub use techniques::{Distillation, OptimizerKind, ProgressiveResolution};

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// Its name, for reports.
    pub name: String,
    /// Passes over the training images.
    pub epochs: u32,
    /// Images per step.
    pub batch_size: usize,
    /// What turns gradients into steps. Default: SGD with Nesterov momentum.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimizer: OptimizerKind,
    /// Peak learning rate for a batch of 256 images; the rate used is proportional to the batch size
    /// (Goyal et al., arXiv:1706.02677).
    pub learning_rate: f64,
    /// Momentum of SGD and `RMSprop`; `AdamW` has its own.
    pub momentum: f64,
    /// Decay of kernels and matrices; biases and batch-norm are left out.
    pub weight_decay: f64,
    /// Whether depthwise kernels decay too. `MobileNetV1`'s authors give them little or none (arXiv:1704.04861,
    /// section 3.2). Default: they do.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub decay_depthwise: bool,
    /// The largest global norm of the gradients; larger ones are scaled down to it. Default: no limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub clip_norm: Option<f64>,
    /// How the learning rate falls after its warm-up. Default: along half a cosine.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// Epochs, or a fraction of one, in which the learning rate rises linearly to its peak.
    pub warmup_epochs: f64,
    /// Share of the target spread over all classes (Szegedy et al., arXiv:1512.00567).
    pub label_smoothing: f64,
    /// Share of the classifier's inputs that are zeroed in training (Srivastava et al. 2014). Default: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropout: f64,
    /// Share of the old value that the exponential moving average of all weights keeps each step; the averaged network
    /// is the one evaluated and saved. It starts lower and rises to this: `min(decay, (1 + step) / (10 + step))`.
    /// Default: no average.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ema: Option<f64>,
    /// How fast batch-norm's running statistics follow a batch, in place of the architecture's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub batch_norm_momentum: Option<f64>,
    /// How parts of training images are chosen.
    pub augmentation: Augmentation,
    /// Brightness, contrast and saturation are each scaled by a factor from `1 - x` to `1 + x`. Default: not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub color_jitter: f32,
    /// Random operations on colour and geometry (Cubuk et al., arXiv:1909.13719). Default: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rand_augment: Option<RandAugment>,
    /// Probability of blanking a random rectangle (Zhong et al., arXiv:1708.04896). Default: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub random_erasing: f32,
    /// Pairs of images are blended with a share from Beta(alpha, alpha) (Zhang et al., arXiv:1710.09412). Default: not.
    /// With both this and `cutmix`, each batch is mixed in one of the two ways.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mixup: Option<f64>,
    /// A rectangle of another image is pasted, its area from Beta(alpha, alpha) (Yun et al., arXiv:1905.04899).
    /// Default: not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cutmix: Option<f64>,
    /// Learning from a teacher's scores as well (Hinton et al., arXiv:1503.02531). Default: not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub distillation: Option<Distillation>,
    /// Smaller images in early epochs (Tan and Le, arXiv:2104.00298, section 4). Default: not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub progressive_resolution: Option<ProgressiveResolution>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

/// Why a recipe cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecipeError {
    /// The TOML is not a recipe, or one of its numbers is out of range.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A number is out of range.
    #[error("recipe `{recipe}`: {key} = {value}; expected {expected}")]
    Value {
        /// The recipe.
        recipe: String,
        /// Which number, tables and keys joined by dots.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// There is no such recipe.
    #[error("no recipe is called `{name}`; known are {known}, or give the path of a TOML file")]
    Unknown {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
}

macro_rules! embedded {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../../../configs/recipes/", $name, ".toml")))),*]
    };
}

/// The recipes that come with mnas.
const EMBEDDED: [(&str, &str); 6] = embedded!["demo", "quick", "small-images", "cifar", "imagenette", "imagenet"];

impl Recipe {
    /// Reads and checks a recipe; every fault has its line.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = parse_toml(text)?;
        recipe.check().map_err(|error| check::located(error, text))?;
        Ok(recipe)
    }

    /// SGD with momentum 0.9 and cosine decay, without augmentation, weight decay or any other technique.
    ///
    /// `learning_rate` is the peak for a batch of 256 images, as in [`Recipe::learning_rate`].
    pub fn plain(name: &str, epochs: u32, batch_size: usize, learning_rate: f64) -> Self {
        Self {
            name: name.to_owned(),
            epochs,
            batch_size,
            learning_rate,
            momentum: 0.9,
            weight_decay: 0.0,
            label_smoothing: 0.0,
            warmup_epochs: 0.0,
            augmentation: Augmentation::None,
            optimizer: OptimizerKind::Sgd,
            decay_depthwise: true,
            clip_norm: None,
            schedule: Schedule::Cosine,
            dropout: 0.0,
            ema: None,
            batch_norm_momentum: None,
            color_jitter: 0.0,
            rand_augment: None,
            random_erasing: 0.0,
            mixup: None,
            cutmix: None,
            distillation: None,
            progressive_resolution: None,
        }
    }

    /// A recipe that comes with mnas.
    pub fn embedded(name: &str) -> Result<Self, RecipeError> {
        if let Some((_, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) {
            return Self::from_toml(text);
        }
        let known = EMBEDDED.map(|(known, _)| known).join(", ");
        Err(RecipeError::Unknown {
            name: name.to_owned(),
            known,
        })
    }

    /// Sets the number of epochs; warm-up takes at most half of them.
    pub fn set_epochs(&mut self, epochs: u32) {
        self.warmup_epochs = self.warmup_epochs.min(f64::from(epochs) / 2.0);
        self.epochs = epochs;
    }

    /// The learning rate at every step of a training with `steps_per_epoch` steps an epoch.
    pub fn learning_rates(&self, steps_per_epoch: usize) -> LearningRate {
        LearningRate::new(self, steps_per_epoch)
    }

    /// Side of the training images in epoch `epoch` (from 1), in pixels, for a network meant for `resolution`.
    pub fn resolution_at(&self, epoch: u32, resolution: u32) -> u32 {
        self.progressive_resolution
            .map_or(resolution, |progressive| progressive.at(epoch, self.epochs, resolution))
    }

    /// The variations of training images beside [`Recipe::augmentation`].
    pub fn extra_augmentation(&self) -> ExtraAugmentation {
        ExtraAugmentation {
            color_jitter: self.color_jitter,
            rand_augment: self.rand_augment,
            random_erasing: self.random_erasing,
        }
    }
}

#[cfg(test)]
mod tests;

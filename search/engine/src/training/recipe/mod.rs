//! Recipes: the settings of a training, in TOML.
//!
//! Only techniques that a recipe names are used, so that a short file is a plain training and a file shows everything in effect. The
//! names are those of the papers; `configs/recipes/` holds examples with their origin.

mod check;
mod schedule;
mod techniques;

use mnas_space::{DocumentError, parse_toml};
use serde::{Deserialize, Serialize};

use super::{Augmentation, ExtraAugmentation, RandAugment};

pub use schedule::{LearningRate, Schedule};
pub use techniques::{Distillation, OptimizerKind, ProgressiveResolution};

/// Settings of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// Name for reports.
    pub name: String,
    /// Passes over the training images.
    pub epochs: u32,
    /// Images per step.
    pub batch_size: usize,
    /// Optimiser. Default: SGD with Nesterov momentum.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimizer: OptimizerKind,
    /// Peak learning rate for a batch of 256 images; the rate used is proportional to the batch size
    /// (Goyal et al., arXiv:1706.02677).
    pub learning_rate: f64,
    /// Momentum of SGD and `RMSprop`; `AdamW` has its own.
    pub momentum: f64,
    /// Weight decay of kernels and matrices; biases and batch-norm do not decay.
    pub weight_decay: f64,
    /// True if depthwise kernels decay too. `MobileNetV1`'s authors give them little or none (arXiv:1704.04861,
    /// section 3.2). Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub decay_depthwise: bool,
    /// The largest global norm of the gradients; larger ones are scaled down to it. Default: no limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub clip_norm: Option<f64>,
    /// Schedule of the learning rate after its warm-up. Default: half a cosine.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// Epochs, or a fraction of one, in which the learning rate rises linearly to its peak.
    pub warmup_epochs: f64,
    /// Epochs, or a fraction of one, at the start in which only the classifier is trained: all other weights are frozen, and batch-norm uses
    /// its running statistics. For networks that begin with trained weights. Default: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub head_epochs: f64,
    /// Factor of the learning rate of all weights but the classifier's. Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub backbone_rate: f64,
    /// Label smoothing: share of the target spread over all classes (Szegedy et al., arXiv:1512.00567).
    pub label_smoothing: f64,
    /// Dropout: share of the classifier's inputs that are zeroed in training (Srivastava et al. 2014). Default: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropout: f64,
    /// Decay of the exponential moving average of all weights; the averaged network is evaluated and saved. In early steps it is lower:
    /// `min(decay, (1 + step) / (10 + step))`. Default: no average.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ema: Option<f64>,
    /// Momentum of batch-norm's running statistics, in place of the architecture's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub batch_norm_momentum: Option<f64>,
    /// Choice of the parts of training images.
    pub augmentation: Augmentation,
    /// Colour jitter: brightness, contrast and saturation are each scaled by a factor from `1 - x` to `1 + x`. Default: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub color_jitter: f32,
    /// Random operations on colour and geometry (Cubuk et al., arXiv:1909.13719). Default: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rand_augment: Option<RandAugment>,
    /// Probability of blanking a random rectangle (Zhong et al., arXiv:1708.04896). Default: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub random_erasing: f32,
    /// Alpha of mixup: pairs of images are blended with a weight from Beta(alpha, alpha) (Zhang et al., arXiv:1710.09412). With `cutmix`
    /// too, each batch is mixed in one of the two ways. Default: no mixup.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mixup: Option<f64>,
    /// Alpha of cutmix: a rectangle of another image is pasted, its area from Beta(alpha, alpha) (Yun et al., arXiv:1905.04899).
    /// Default: no cutmix.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cutmix: Option<f64>,
    /// Distillation from a teacher (Hinton et al., arXiv:1503.02531). Default: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub distillation: Option<Distillation>,
    /// Smaller images in early epochs (Tan and Le, arXiv:2104.00298, section 4). Default: the same resolution in all epochs.
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

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(value: &f64) -> bool {
    value.to_bits() == one().to_bits()
}

/// A recipe that cannot be used.
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
        /// Tables and key of the number, joined by dots.
        key: &'static str,
        /// Value of the number.
        value: String,
        /// Values accepted.
        expected: &'static str,
    },
    /// No recipe has this name.
    #[error("no recipe is called `{name}`; known recipes: {known}; or give the path of a TOML file")]
    Unknown {
        /// Name given.
        name: String,
        /// Names of all recipes.
        known: String,
    },
}

macro_rules! embedded {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../../../configs/recipes/", $name, ".toml")))),*]
    };
}

/// The recipes that come with mnas.
const EMBEDDED: [(&str, &str); 8] = embedded![
    "demo",
    "quick",
    "small-images",
    "cifar",
    "imagenette",
    "imagenet",
    "finetune",
    "inherit"
];

impl Recipe {
    /// Reads and checks a recipe; errors name the line.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = parse_toml(text)?;
        recipe.check().map_err(|error| check::located(error, text))?;
        Ok(recipe)
    }

    /// The recipe as TOML that [`Recipe::from_toml`] reads.
    ///
    /// # Panics
    ///
    /// Never for a checked recipe: all its numbers can be written as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a checked recipe can be written")
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
            head_epochs: 0.0,
            backbone_rate: 1.0,
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

    /// Sets the number of epochs; the warm-up and the training of the classifier alone take at most half of them each.
    pub fn set_epochs(&mut self, epochs: u32) {
        let half = f64::from(epochs) / 2.0;
        self.warmup_epochs = self.warmup_epochs.min(half);
        self.head_epochs = self.head_epochs.min(half);
        self.epochs = epochs;
    }

    /// The learning rate at every step of a training with `steps_per_epoch` steps an epoch.
    pub fn learning_rates(&self, steps_per_epoch: usize) -> LearningRate {
        let steps_per_epoch = steps_per_epoch.max(1) as f64;
        LearningRate {
            schedule: self.schedule,
            peak: self.learning_rate * self.batch_size as f64 / 256.0,
            warmup_steps: self.warmup_epochs * steps_per_epoch,
            steps_per_epoch,
            steps: f64::from(self.epochs) * steps_per_epoch,
        }
    }

    /// Steps at the start in which only the classifier is trained, of a training with `steps_per_epoch` steps an epoch.
    pub fn head_steps(&self, steps_per_epoch: usize) -> u64 {
        (self.head_epochs * steps_per_epoch as f64).ceil() as u64
    }

    /// Side of the training images in epoch `epoch` (from 1), in pixels, for a network meant for `resolution`.
    pub fn resolution_at(&self, epoch: u32, resolution: u32) -> u32 {
        self.progressive_resolution
            .map_or(resolution, |progressive| progressive.at(epoch, self.epochs, resolution))
    }

    /// Augmentation of training images beside [`Recipe::augmentation`].
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

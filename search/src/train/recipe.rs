//! How to train: a TOML recipe.

use mnas_space::{DocumentError, parse_toml};
use serde::{Deserialize, Serialize};

use crate::data::Augmentation;

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
    /// Peak learning rate for a batch of 256 images; the rate used is proportional to the batch size
    /// (Goyal et al., arXiv:1706.02677).
    pub learning_rate: f64,
    /// Momentum of SGD (Nesterov).
    pub momentum: f64,
    /// Decay of kernels and matrices; biases and batch-norm are left out.
    pub weight_decay: f64,
    /// Share of the target spread over all classes (Szegedy et al., arXiv:1512.00567).
    pub label_smoothing: f64,
    /// Epochs, or a fraction of one, in which the learning rate rises linearly to its peak.
    pub warmup_epochs: f64,
    /// How training images are varied.
    pub augmentation: Augmentation,
}

/// Why a recipe cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecipeError {
    /// The TOML is not a recipe.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A number is out of range.
    #[error("recipe `{recipe}`: {key} = {value}; expected {expected}")]
    Value {
        /// The recipe.
        recipe: String,
        /// Which number.
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

/// The recipes that come with mnas.
const EMBEDDED: [(&str, &str); 3] = [
    ("demo", include_str!("../../../configs/recipes/demo.toml")),
    ("quick", include_str!("../../../configs/recipes/quick.toml")),
    (
        "small-images",
        include_str!("../../../configs/recipes/small-images.toml"),
    ),
];

impl Recipe {
    /// Reads and checks a recipe.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = parse_toml(text)?;
        recipe.check()?;
        Ok(recipe)
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

    /// Checks every number.
    pub fn check(&self) -> Result<(), RecipeError> {
        let in_range = [
            ("epochs", f64::from(self.epochs), 1.0..=100_000.0, "1 to 100000"),
            (
                "batch-size",
                self.batch_size as f64,
                2.0..=65_536.0,
                "2 to 65536 images",
            ),
            ("learning-rate", self.learning_rate, 1e-9..=1e3, "a number above 0"),
            ("momentum", self.momentum, 0.0..=0.9999, "0 to 0.9999"),
            ("weight-decay", self.weight_decay, 0.0..=1.0, "0 to 1"),
            ("label-smoothing", self.label_smoothing, 0.0..=0.9, "0 to 0.9"),
            (
                "warmup-epochs",
                self.warmup_epochs,
                0.0..=f64::from(self.epochs),
                "0 to the number of epochs",
            ),
        ];
        for (key, value, range, expected) in in_range {
            if !range.contains(&value) {
                return Err(RecipeError::Value {
                    recipe: self.name.clone(),
                    key,
                    value: value.to_string(),
                    expected,
                });
            }
        }
        self.augmentation.check().map_err(|error| RecipeError::Value {
            recipe: self.name.clone(),
            key: "augmentation",
            value: error.to_string(),
            expected: "see its documentation",
        })
    }

    /// Sets the number of epochs; warm-up takes at most half of them.
    pub fn set_epochs(&mut self, epochs: u32) {
        self.warmup_epochs = self.warmup_epochs.min(f64::from(epochs) / 2.0);
        self.epochs = epochs;
    }

    /// The learning rate at every step of a training with `steps_per_epoch` steps an epoch.
    pub fn schedule(&self, steps_per_epoch: usize) -> LearningRate {
        let steps_per_epoch = steps_per_epoch.max(1) as f64;
        LearningRate {
            peak: self.learning_rate * self.batch_size as f64 / 256.0,
            warmup_steps: self.warmup_epochs * steps_per_epoch,
            steps: f64::from(self.epochs) * steps_per_epoch,
        }
    }
}

/// A learning rate that rises linearly to its peak and falls to 0 along half a cosine
/// (Loshchilov and Hutter, arXiv:1608.03983, without restarts).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRate {
    peak: f64,
    warmup_steps: f64,
    steps: f64,
}

impl LearningRate {
    /// The rate of step `step`, counted from 0.
    pub fn at(&self, step: usize) -> f64 {
        let step = step as f64;
        if step < self.warmup_steps {
            return self.peak * (step + 1.0) / (self.warmup_steps + 1.0);
        }
        let done = (step - self.warmup_steps) / (self.steps - self.warmup_steps).max(1.0);
        self.peak * 0.5 * (1.0 + (std::f64::consts::PI * done.clamp(0.0, 1.0)).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_recipes_are_sound() {
        for (name, _) in EMBEDDED {
            assert_eq!(Recipe::embedded(name).unwrap().name, name);
        }
        let error = Recipe::embedded("nope").unwrap_err().to_string();
        assert!(error.contains("demo, quick, small-images"), "{error}");
    }

    #[test]
    fn unknown_keys_and_bad_numbers_are_named() {
        let (_, text) = EMBEDDED[0];
        let error = Recipe::from_toml(&format!("epoch = 3\n{text}")).unwrap_err();
        assert!(
            matches!(&error, RecipeError::Document(place) if place.line == 1),
            "{error}"
        );
        let recipe = Recipe {
            momentum: 1.5,
            ..Recipe::embedded("demo").unwrap()
        };
        assert!(recipe.check().unwrap_err().to_string().contains("momentum = 1.5"));
    }

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_zero() {
        let recipe = Recipe {
            epochs: 10,
            warmup_epochs: 1.0,
            ..Recipe::embedded("demo").unwrap()
        };
        let schedule = recipe.schedule(100);
        let rates: Vec<f64> = (0..1000).map(|step| schedule.at(step)).collect();
        assert!(rates[..100].is_sorted() && rates[100..].is_sorted_by(|one, other| one >= other));
        assert!((rates[100] - schedule.peak).abs() < 1e-12);
        assert!(rates[999] < 1e-4 * schedule.peak);
    }
}

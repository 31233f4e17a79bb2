//! The learning rate over time.

use serde::{Deserialize, Serialize};

use super::Recipe;

/// How the learning rate falls after its warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// To 0 along half a cosine (Loshchilov and Hutter, arXiv:1608.03983, without restarts).
    #[default]
    Cosine,
    /// Not at all.
    Constant,
    /// By `factor` at once, every `epochs` epochs counted from the start of the training.
    Step {
        /// Epochs between two falls, also a fraction of one.
        epochs: f64,
        /// What the rate is multiplied by.
        factor: f64,
    },
    /// By `factor` in the course of every `epochs` epochs, a little each step, counted from the end of the warm-up.
    Exponential {
        /// Epochs in which the rate falls by `factor`.
        epochs: f64,
        /// What the rate is multiplied by in that time.
        factor: f64,
    },
}

/// A learning rate that rises linearly to its peak and then follows its [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRate {
    schedule: Schedule,
    peak: f64,
    warmup_steps: f64,
    steps_per_epoch: f64,
    steps: f64,
}

impl LearningRate {
    /// The rate over the steps of a training of `steps_per_epoch` steps an epoch.
    pub fn new(recipe: &Recipe, steps_per_epoch: usize) -> Self {
        let steps_per_epoch = steps_per_epoch.max(1) as f64;
        Self {
            schedule: recipe.schedule,
            peak: recipe.learning_rate * recipe.batch_size as f64 / 256.0,
            warmup_steps: recipe.warmup_epochs * steps_per_epoch,
            steps_per_epoch,
            steps: f64::from(recipe.epochs) * steps_per_epoch,
        }
    }

    /// The highest rate.
    pub fn peak(&self) -> f64 {
        self.peak
    }

    /// The rate of step `step`, counted from 0.
    pub fn at(&self, step: usize) -> f64 {
        let step = step as f64;
        if step < self.warmup_steps {
            return self.peak * (step + 1.0) / (self.warmup_steps + 1.0);
        }
        let after_warmup = step - self.warmup_steps;
        let share = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let done = after_warmup / (self.steps - self.warmup_steps).max(1.0);
                0.5 * (1.0 + (std::f64::consts::PI * done.clamp(0.0, 1.0)).cos())
            }
            Schedule::Step { epochs, factor } => {
                // A fall is due at the first step that begins at or after its epoch.
                let falls = (step / (epochs * self.steps_per_epoch) + 1e-9).floor();
                factor.powf(falls)
            }
            Schedule::Exponential { epochs, factor } => factor.powf(after_warmup / (epochs * self.steps_per_epoch)),
        };
        self.peak * share
    }
}

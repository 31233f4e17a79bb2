//! Learning rate over the steps of a training.

use serde::{Deserialize, Serialize};

/// Fall of the learning rate after its warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Half a cosine down to 0 (Loshchilov and Hutter, arXiv:1608.03983, without restarts).
    #[default]
    Cosine,
    /// No fall.
    Constant,
    /// A step by `factor` every `epochs` epochs, counted from the start of the training.
    Step {
        /// Epochs between two steps, also a fraction of one.
        epochs: f64,
        /// Factor of each step.
        factor: f64,
    },
    /// Exponential fall by `factor` over every `epochs` epochs, counted from the end of the warm-up.
    Exponential {
        /// Epochs in which the rate falls by `factor`.
        epochs: f64,
        /// Factor over that time.
        factor: f64,
    },
}

/// Learning rate that rises linearly to its peak and then follows a [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRate {
    pub(super) schedule: Schedule,
    pub(super) peak: f64,
    pub(super) warmup_steps: f64,
    pub(super) steps_per_epoch: f64,
    pub(super) steps: f64,
}

impl LearningRate {
    /// Peak of the rate.
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
                // The rate falls at the first step that begins at or after the epoch.
                let falls = (step / (epochs * self.steps_per_epoch) + 1e-9).floor();
                factor.powf(falls)
            }
            Schedule::Exponential { epochs, factor } => factor.powf(after_warmup / (epochs * self.steps_per_epoch)),
        };
        self.peak * share
    }
}

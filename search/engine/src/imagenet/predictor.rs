//! Predictions from fitted coefficients.

use std::sync::LazyLock;

use mnas_space::Architecture;
use serde::{Deserialize, Serialize};

use super::document::Coefficients;
use super::features::Aggregates;
use super::published::Recipe;
use super::range::{OutOfRange, SUMMARIES};
use super::transform::to_percent;

/// Predicted ImageNet top-1 of a network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PredictedTop1 {
    /// Expected top-1 in percent.
    pub top1: f64,
    /// Lower bound of the 90 % interval in percent.
    pub low: f64,
    /// Upper bound of the 90 % interval in percent.
    pub high: f64,
    /// Distance from the centre of the published networks, 1 for the farthest of them.
    pub distance: f64,
}

/// Predicts the ImageNet top-1 that a network would have with 1000 classes, whatever its number of classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictor {
    coefficients: Coefficients,
}

static EMBEDDED: LazyLock<Predictor> = LazyLock::new(|| Predictor::new(Coefficients::embedded()));

impl Predictor {
    /// Predictor with these coefficients.
    pub fn new(coefficients: Coefficients) -> Self {
        Self { coefficients }
    }

    /// Predictor with the compiled-in coefficients.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Coefficients.
    pub fn coefficients(&self) -> &Coefficients {
        &self.coefficients
    }

    fn summary(&self, architecture: &Architecture) -> Result<[f64; SUMMARIES], OutOfRange> {
        Ok(self.coefficients.structure.summarise(&Aggregates::of(architecture)?))
    }

    /// Prediction for training with [`Recipe::Regularised`], with its interval and distance.
    pub fn predict(&self, architecture: &Architecture) -> Result<PredictedTop1, OutOfRange> {
        self.predict_with(architecture, Recipe::default())
    }

    /// Prediction for training with a class of recipes.
    pub fn predict_with(&self, architecture: &Architecture, recipe: Recipe) -> Result<PredictedTop1, OutOfRange> {
        let summary = self.summary(architecture)?;
        let distance = self.coefficients.range.check(&summary)?;
        let calibration = &self.coefficients.calibration;
        let (value, deviation) = calibration.value(&summary, recipe);
        let half = calibration.interval * deviation;
        Ok(PredictedTop1 {
            top1: to_percent(value),
            low: to_percent(value - half).max(0.0),
            high: to_percent(value + half),
            distance,
        })
    }

    /// Expected top-1 in percent with [`Recipe::Regularised`], for comparing millions of networks.
    ///
    /// Only the range of every feature on its own is checked; [`Predictor::predict`] checks their combination too.
    pub fn score(&self, architecture: &Architecture) -> Result<f64, OutOfRange> {
        let summary = self.summary(architecture)?;
        self.coefficients.range.check_features(&summary)?;
        Ok(to_percent(
            self.coefficients.calibration.mean(&summary, Recipe::default()),
        ))
    }

    /// Top-1 in percent of a network of Accel-NASBench's space with that benchmark's recipe, which is not comparable with
    /// published accuracies.
    pub fn predict_accel(&self, architecture: &Architecture) -> f64 {
        self.coefficients.interactions.predict(architecture)
    }
}

#[cfg(test)]
mod tests;

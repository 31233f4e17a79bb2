//! Accuracies by which scaled networks are compared: predicted ImageNet top-1, or validation top-1 after trainings.

use std::collections::HashMap;

use mnas_engine::imagenet::{Predictor, Recipe};
use mnas_space::Architecture;

/// Accuracy of a network in percent, with its 90 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub top1: f64,
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// Share of `images` that are classified correctly; the interval covers the choice of the images, not that of the seed.
    pub fn of_sample(top1: f64, images: usize) -> Self {
        let share = top1 / 100.0;
        let error = 100.0 * (share * (1.0 - share) / images.max(1) as f64).sqrt();
        Self {
            top1,
            low: (top1 - 1.645 * error).max(0.0),
            high: (top1 + 1.645 * error).min(100.0),
        }
    }
}

/// Source of accuracies, with the words for it.
#[derive(Debug)]
pub enum Accuracies {
    /// Predictions from published networks.
    Predicted,
    /// Results of trainings.
    Trained {
        /// Data, recipe and number of images, in one line.
        origin: String,
        /// Results by the id of the network.
        results: HashMap<String, Estimate>,
    },
}

impl Accuracies {
    /// Accuracy of a network, or the reason why there is none.
    pub fn estimate(&self, network: &Architecture) -> Result<Estimate, String> {
        match self {
            Self::Predicted => {
                let predicted = Predictor::embedded().predict(network);
                let predicted = predicted.map_err(|error| error.to_string())?;
                Ok(Estimate {
                    top1: predicted.top1,
                    low: predicted.low,
                    high: predicted.high,
                })
            }
            Self::Trained { results, .. } => {
                let found = results.get(&network.id().to_string()).copied();
                found.ok_or_else(|| "not trained".to_owned())
            }
        }
    }

    /// Top-1 of a network, or the reason why there is none.
    pub fn top1(&self, network: &Architecture) -> Result<f64, String> {
        self.estimate(network).map(|estimate| estimate.top1)
    }

    /// Kind of the accuracy, for JSON and axes.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Predicted => "predicted ImageNet top-1",
            Self::Trained { .. } => "validation top-1",
        }
    }

    /// Heading of a column.
    pub fn heading(&self) -> &'static str {
        match self {
            Self::Predicted => "predicted top-1",
            Self::Trained { .. } => "validation top-1",
        }
    }

    /// A word before an accuracy.
    pub fn adjective(&self) -> &'static str {
        match self {
            Self::Predicted => "predicted",
            Self::Trained { .. } => "trained",
        }
    }

    /// Text for a network without an accuracy.
    pub fn absence(&self) -> &'static str {
        match self {
            Self::Predicted => "outside of the range of the predictor",
            Self::Trained { .. } => "not trained",
        }
    }

    /// Origin of the accuracies, a sentence without its full stop.
    pub fn origin(&self) -> String {
        match self {
            Self::Predicted => format!(
                "ImageNet top-1 predicted as if trained {}; nothing was trained",
                Recipe::default().description()
            ),
            Self::Trained { origin, .. } => origin.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_samples_shrink_with_the_images() {
        let (small, large) = (Estimate::of_sample(50.0, 100), Estimate::of_sample(50.0, 10_000));
        assert!((small.high - 58.225).abs() < 1e-9 && (large.low - 49.1775).abs() < 1e-9);
        let none = Estimate::of_sample(0.0, 10);
        assert_eq!((none.low, none.high), (0.0, 0.0));
    }
}

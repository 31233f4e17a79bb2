//! Means of standardised signals.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::signal::{Signal, UnknownSignal};

/// The mean of standardised signals: an order of candidates, not an accuracy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Score {
    signals: Vec<Signal>,
}

/// Name of the mean of all free signals.
const FREE: &str = "free";

impl Score {
    /// The mean of these signals, each counted once.
    ///
    /// # Panics
    ///
    /// Panics without signals.
    pub fn new(signals: &[Signal]) -> Self {
        assert!(!signals.is_empty(), "a score has signals");
        let mut distinct = Vec::new();
        for &signal in signals {
            if !distinct.contains(&signal) {
                distinct.push(signal);
            }
        }
        Self { signals: distinct }
    }

    /// The mean of all signals that need no forward pass.
    pub fn free() -> Self {
        Self::new(&[Signal::Macs, Signal::Params, Signal::Depth])
    }

    /// Its signals.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Returns true if it is measured on images.
    pub fn needs_images(&self) -> bool {
        self.signals.iter().any(|signal| signal.needs_images())
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::free() {
            return f.write_str(FREE);
        }
        let names: Vec<&str> = self.signals.iter().map(|signal| signal.name()).collect();
        f.write_str(&names.join("+"))
    }
}

impl FromStr for Score {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == FREE {
            return Ok(Self::free());
        }
        let signals: Vec<Signal> = text
            .split('+')
            .map(|name| name.trim().parse())
            .collect::<Result<_, _>>()?;
        Ok(Self::new(&signals))
    }
}

impl TryFrom<String> for Score {
    type Error = UnknownSignal;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Score> for String {
    fn from(score: Score) -> Self {
        score.to_string()
    }
}

/// Mean and standard deviation of a signal over some networks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Standard {
    /// The signal.
    pub signal: Signal,
    /// Mean.
    pub mean: f64,
    /// Standard deviation; 1 where all values are equal.
    pub deviation: f64,
}

impl Standard {
    /// Mean and deviation of values.
    pub fn of(signal: Signal, values: &[f64]) -> Self {
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let deviation = variance.sqrt();
        let is_constant = deviation <= 1e-9 * (1.0 + mean.abs());
        Self {
            signal,
            mean,
            deviation: if is_constant { 1.0 } else { deviation },
        }
    }

    /// The value in deviations from the mean.
    pub fn standardise(&self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// The scale of a score: how each of its signals is distributed over random networks of a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScoreScale {
    /// One entry per signal.
    pub standards: Vec<Standard>,
}

/// Factor by which the logistic function is nearest to the normal distribution's, within one percent point.
const LOGISTIC: f64 = 1.702;

impl ScoreScale {
    /// The mean of standardised values, given in the order of the standards.
    pub fn mean(&self, values: &[f64]) -> f64 {
        let sum: f64 = self
            .standards
            .iter()
            .zip(values)
            .map(|(standard, &value)| standard.standardise(value))
            .sum();
        sum / self.standards.len().max(1) as f64
    }

    /// The score on a scale from 0 to 100, about the share of random networks, in percent, that the network outranks.
    ///
    /// The mean of standardised signals is passed through a logistic function, so that the order is kept far from the mean.
    pub fn percentile(&self, values: &[f64]) -> f64 {
        100.0 / (1.0 + (-LOGISTIC * self.mean(values)).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in ["naswot", "free", "naswot+entropy+depth"] {
            assert_eq!(name.parse::<Score>().unwrap().to_string(), name);
        }
        assert_eq!("naswot + naswot".parse::<Score>().unwrap().to_string(), "naswot");
        assert_eq!("naswot+zen".parse::<Score>().unwrap_err().name, "zen");
        assert_eq!("".parse::<Score>().unwrap_err().name, "");
    }

    #[test]
    fn the_mean_network_has_the_middle_score_and_the_order_is_kept() {
        let values = [[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]];
        let standards = [Signal::Macs, Signal::Depth]
            .iter()
            .enumerate()
            .map(|(at, &signal)| Standard::of(signal, &values.map(|row| row[at])));
        let scale = ScoreScale {
            standards: standards.collect(),
        };
        assert!((scale.percentile(&[2.0, 20.0]) - 50.0).abs() < 1e-9);
        let scores = values.map(|row| scale.percentile(&row));
        assert!(
            scores[0] < scores[1] && (scores[1] - scores[2]).abs() < 1e-9,
            "{scores:?}"
        );
        assert!(scale.percentile(&[9.0, 90.0]) < scale.percentile(&[9.1, 90.0]));
        assert!(Standard::of(Signal::Depth, &[4.0, 4.0]).standardise(4.0).abs() < 1e-12);
    }
}

//! Constants of batch normalisation.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Epsilon and momentum of batch normalisation (arXiv:1502.03167), the same in all layers of a network.
///
/// Published networks use different values, and weights trained with one epsilon lose accuracy with another. Epsilon is
/// stored in billionths and momentum in millionths, so that equal networks compare equal. The defaults are `PyTorch`'s:
/// 1e-5 and 0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchNorm {
    epsilon_billionths: u32,
    momentum_millionths: u32,
}

/// Error for a constant of batch normalisation that is out of range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BatchNormError {
    /// Epsilon, which must be from 1e-9 to 1.
    #[error("batch-norm epsilon {0}; expected a number from 0.000000001 to 1")]
    Epsilon(f64),
    /// Momentum, which must be from 1e-6 to 1.
    #[error("batch-norm momentum {0}; expected a number from 0.000001 to 1")]
    Momentum(f64),
}

const BILLION: f64 = 1e9;
const MILLION: f64 = 1e6;

impl Default for BatchNorm {
    fn default() -> Self {
        Self {
            epsilon_billionths: 10_000,
            momentum_millionths: 100_000,
        }
    }
}

impl BatchNorm {
    /// Creates the constants, defined as in `PyTorch`; epsilon is rounded to billionths, momentum to millionths.
    pub fn new(epsilon: f64, momentum: f64) -> Result<Self, BatchNormError> {
        if !(1.0 / BILLION..=1.0).contains(&epsilon) {
            return Err(BatchNormError::Epsilon(epsilon));
        }
        if !(1.0 / MILLION..=1.0).contains(&momentum) {
            return Err(BatchNormError::Momentum(momentum));
        }
        Ok(Self {
            epsilon_billionths: (epsilon * BILLION).round() as u32,
            momentum_millionths: (momentum * MILLION).round() as u32,
        })
    }

    /// Number added to a variance before its square root is taken.
    pub fn epsilon(self) -> f64 {
        f64::from(self.epsilon_billionths) / BILLION
    }

    /// Weight of a batch in the running statistics: `running += momentum * (batch - running)` in training.
    pub fn momentum(self) -> f64 {
        f64::from(self.momentum_millionths) / MILLION
    }

    /// Both constants as integers, which are part of architecture ids.
    pub(crate) fn words(self) -> [u32; 2] {
        [self.epsilon_billionths, self.momentum_millionths]
    }
}

/// Prints the fields of the first piece of an architecture string, such as `_eps0.001_mom0.01`; defaults are left out.
impl fmt::Display for BatchNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Self::default();
        if self.epsilon_billionths != default.epsilon_billionths {
            write!(f, "_eps{}", self.epsilon())?;
        }
        if self.momentum_millionths != default.momentum_millionths {
            write!(f, "_mom{}", self.momentum())?;
        }
        Ok(())
    }
}

/// Reads a table such as `{ epsilon = 0.001, momentum = 0.01 }`; a missing key takes its default.
impl<'de> Deserialize<'de> for BatchNorm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            epsilon: Option<f64>,
            momentum: Option<f64>,
        }
        let table = Table::deserialize(deserializer)?;
        let default = Self::default();
        Self::new(
            table.epsilon.unwrap_or(default.epsilon()),
            table.momentum.unwrap_or(default.momentum()),
        )
        .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::BatchNorm;

    #[test]
    fn defaults_are_left_out() {
        assert_eq!(BatchNorm::default().to_string(), "");
        assert_eq!(BatchNorm::new(1e-3, 0.01).unwrap().to_string(), "_eps0.001_mom0.01");
        assert_eq!(BatchNorm::new(1e-9, 0.1).unwrap().to_string(), "_eps0.000000001");
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        assert!(BatchNorm::new(0.0, 0.1).is_err());
        assert!(BatchNorm::new(f64::NAN, 0.1).is_err());
        assert!(BatchNorm::new(1e-5, 1.5).is_err());
        assert!(BatchNorm::new(1e-5, 0.0).is_err());
    }
}

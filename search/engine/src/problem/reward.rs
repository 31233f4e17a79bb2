//! Budgets that are weighed instead of kept.

use serde::{Deserialize, Serialize};

/// MnasNet's reward (Tan et al., CVPR 2019, arXiv:1807.11626, equations 2 and 3): `ACC x (LAT / T)^w`, where `T` is the budget and
/// `w` is `within` for networks that are no slower and `over` for slower ones. With several budgets the factors are
/// multiplied.
///
/// Its authors' soft constraint has -0.07 for both: a network twice as slow has to be 5 % more accurate (as a share of the
/// accuracy) for the same reward. Their hard constraint has 0 within and -1 over the budget.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reward {
    /// Exponent of networks within the budget; at most 0.
    pub within: f64,
    /// Exponent of networks over the budget; below 0.
    pub over: f64,
}

impl Reward {
    /// The factor of the accuracy of a network with this latency.
    pub fn factor(self, latency: f64, budget: f64) -> f64 {
        let exponent = if latency <= budget { self.within } else { self.over };
        (latency.max(f64::MIN_POSITIVE) / budget).powf(exponent)
    }
}

/// One exponent for both sides, or `WITHIN,OVER`.
impl std::str::FromStr for Reward {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (within, over) = text.split_once(',').unwrap_or((text, text));
        let exponent = |text: &str| text.trim().parse::<f64>().ok().filter(|exponent| exponent.is_finite());
        match (exponent(within), exponent(over)) {
            (Some(within), Some(over)) if within <= 0.0 && over < 0.0 => Ok(Self { within, over }),
            _ => Err(format!(
                "`{text}` is no exponent below 0 of (latency / budget); expected one such as -0.07, or one within and one over \
                 the budget such as 0,-1"
            )),
        }
    }
}

impl std::fmt::Display for Reward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { within, over } = *self;
        if within.to_bits() == over.to_bits() {
            return write!(f, "{within}");
        }
        write!(f, "{within},{over}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_that_of_the_paper() {
        // Section 3.2 of the paper: doubled latency for 5 % more accuracy has about the same reward.
        let soft: Reward = "-0.07".parse().unwrap();
        let (slow, fast) = (soft.factor(160.0, 80.0) * 1.05, soft.factor(80.0, 80.0));
        assert!((slow / fast - 1.0).abs() < 0.001, "{slow} {fast}");
        let hard: Reward = "0,-1".parse().unwrap();
        assert_eq!((hard.factor(10.0, 20.0), hard.factor(40.0, 20.0)), (1.0, 0.5));
    }

    #[test]
    fn exponents_are_read_and_written() {
        for text in ["-0.07", "0,-1"] {
            let reward: Reward = text.parse().unwrap();
            assert_eq!(reward.to_string(), text);
        }
        for text in ["0.07", "0", "much", "-1,0", "-inf", ""] {
            let error = text.parse::<Reward>().unwrap_err();
            assert!(error.contains("such as -0.07"), "{error}");
        }
    }
}

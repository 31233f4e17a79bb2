//! The standard normal distribution and expectations under it.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Density.
pub fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Distribution function.
pub fn distribution(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Expectation of `max(x - threshold, 0)` for a normal `x`.
pub fn expected_excess(mean: f64, deviation: f64, threshold: f64) -> f64 {
    if deviation <= 0.0 {
        return (mean - threshold).max(0.0);
    }
    let z = (mean - threshold) / deviation;
    (deviation * (z * distribution(z) + density(z))).max(0.0)
}

/// Expectation of `max(bound - exp(x), 0)` for a normal `x` and a positive bound.
pub fn expected_shortfall_of_exponential(mean: f64, deviation: f64, bound: f64) -> f64 {
    if deviation <= 0.0 {
        return (bound - mean.exp()).max(0.0);
    }
    let z = (bound.ln() - mean) / deviation;
    let whole = (mean + 0.5 * deviation * deviation).exp();
    (bound * distribution(z) - whole * distribution(z - deviation)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expectation of a function of a normal, by the midpoint rule over ten deviations on each side.
    fn integral(mean: f64, deviation: f64, value: impl Fn(f64) -> f64) -> f64 {
        let step = 1e-3;
        let points = (-10_000..10_000).map(|index| (f64::from(index) + 0.5) * step);
        points.map(|z| step * density(z) * value(mean + deviation * z)).sum()
    }

    #[test]
    fn expectations_are_those_of_numerical_integration() {
        for (mean, deviation, threshold) in [(0.3, 0.5, 0.1), (-2.0, 1.5, 0.4), (1.0, 0.1, 2.0)] {
            let excess = integral(mean, deviation, |x| (x - threshold).max(0.0));
            assert!((expected_excess(mean, deviation, threshold) - excess).abs() < 1e-6);
            let shortfall = integral(mean, deviation, |x| (2.0 - x.exp()).max(0.0));
            assert!((expected_shortfall_of_exponential(mean, deviation, 2.0) - shortfall).abs() < 1e-6);
        }
        assert!((expected_excess(1.0, 0.0, 0.4) - 0.6).abs() < 1e-12);
        assert!((distribution(1.0) - 0.841_344_746_068_543).abs() < 1e-12);
    }
}

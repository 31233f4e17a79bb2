//! Scale on which accuracies are modelled.
//!
//! Halving the number of errors is a similar step for a weak and for a strong network, so models are linear in the
//! negative logarithm of the error. On held-out networks of Accel-NASBench this scale ranks and fits better than percent and
//! than log-odds.

/// Deviation of published accuracies from the model, on the scale of the model.
pub(super) const NOISE: f64 = 0.02;

/// Negative logarithm of the error of a network with `top1` percent.
pub(super) fn from_percent(top1: f64) -> f64 {
    -(100.0 - top1).ln()
}

/// Top-1 in percent; the inverse of [`from_percent`].
pub(super) fn to_percent(value: f64) -> f64 {
    100.0 - (-value).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_come_back() {
        for top1 in [0.0, 41.5, 75.2, 99.0] {
            assert!((to_percent(from_percent(top1)) - top1).abs() < 1e-12);
        }
        assert!(from_percent(76.0) > from_percent(75.0));
    }
}

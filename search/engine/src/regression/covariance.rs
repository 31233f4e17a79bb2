//! The covariance of two networks' values.

use super::encoder::{Encoder, Encoding};

/// Hyper-parameters of a covariance, in units of the variance of the process.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperparameters {
    /// Scale of the differences of each kind of choice, in the order of [`Encoder::kinds`].
    pub scales: Vec<f64>,
    /// Variance of the slope in each column.
    pub slopes: Vec<f64>,
    /// Variance of the noise of an observation.
    pub noise: f64,
}

/// The covariance `exp(-Σ s_k d_k) + Σ a_j x_j x'_j` of two networks, where `d_k` counts their differences in choices of
/// kind `k` over all sites, and `x_j` are their standardised columns.
#[derive(Debug, Clone)]
pub struct Covariance {
    /// Sum over kinds of scale times difference, for every pair of codes.
    exponents: Vec<f64>,
    codes: usize,
    slopes: Vec<f64>,
}

impl Covariance {
    /// The covariance on a space at some hyper-parameters.
    pub fn new(encoder: &Encoder, parameters: &Hyperparameters) -> Self {
        let codes = encoder.codes();
        let mut exponents = vec![0.0; codes * codes];
        for ((_, differences), scale) in encoder.differences().iter().zip(&parameters.scales) {
            for (exponent, difference) in exponents.iter_mut().zip(differences) {
                *exponent += scale * difference;
            }
        }
        Self {
            exponents,
            codes,
            slopes: parameters.slopes.clone(),
        }
    }

    /// The scaled distance of two networks.
    pub fn distance(&self, one: &Encoding, other: &Encoding) -> f64 {
        let sites = one.codes.iter().zip(&other.codes);
        let at = |(&one, &other): (&u16, &u16)| self.exponents[usize::from(one) * self.codes + usize::from(other)];
        sites.map(at).sum()
    }

    /// The covariance of two networks with standardised columns.
    pub fn between(&self, (one, x): (&Encoding, &[f64]), (other, y): (&Encoding, &[f64])) -> f64 {
        (-self.distance(one, other)).exp() + self.linear(x, y)
    }

    /// The variance of a network's value.
    pub fn variance(&self, columns: &[f64]) -> f64 {
        1.0 + self.linear(columns, columns)
    }

    fn linear(&self, x: &[f64], y: &[f64]) -> f64 {
        let terms = self.slopes.iter().zip(x.iter().zip(y));
        terms.map(|(slope, (x, y))| slope * x * y).sum()
    }
}

//! Hyper-parameters by marginal likelihood.

use nalgebra::{Cholesky, DMatrix, DVector};

use super::Hyperparameters;
use super::encoder::{Encoder, Encoding};

/// Weight of the prior of the process's variance, in observations.
pub(super) const PRIOR_OBSERVATIONS: f64 = 2.0;

/// Mean scaled distance of two observations where the prior of the scales has its median.
const MEDIAN_DISTANCE: f64 = 4.0;

/// Median of the prior of the slopes' variances.
const MEDIAN_SLOPE: f64 = 1e-3;

/// Median of the prior of the noise.
const MEDIAN_NOISE: f64 = 0.01;

/// Standard deviation of the priors, as natural logarithms.
const PRIOR_DEVIATION: f64 = 2.0;

/// Largest distance of a logarithm from its prior's median.
const FARTHEST: f64 = 5.0;

/// Observations with everything that does not depend on hyper-parameters.
///
/// The posterior density of the logarithms of all hyper-parameters is maximised, the process's variance being integrated
/// out under an inverse gamma prior. Gradients are exact.
pub(super) struct Problem {
    /// Differences by kind of every pair of observations, by rows of the lower triangle without diagonal.
    differences: Vec<Vec<f64>>,
    /// Products of every pair of observations by column, likewise with the diagonal after each row.
    columns: Vec<Vec<f64>>,
    targets: DVector<f64>,
    /// Medians of the priors as natural logarithms: scales, slopes, noise.
    medians: Vec<f64>,
}

impl Problem {
    /// Networks with standardised columns and standardised targets.
    pub fn new(encoder: &Encoder, networks: &[(&Encoding, &[f64])], targets: DVector<f64>) -> Self {
        let count = networks.len();
        let pairs = (0..count).flat_map(|row| (0..row).map(move |column| (row, column)));
        let codes = encoder.codes();
        let differences = encoder.differences().iter().map(|(_, table)| {
            let between = |(row, column): (usize, usize)| -> f64 {
                let sites = networks[row].0.codes.iter().zip(&networks[column].0.codes);
                sites
                    .map(|(&one, &other)| table[usize::from(one) * codes + usize::from(other)])
                    .sum()
            };
            pairs.clone().map(between).collect()
        });
        let differences: Vec<Vec<f64>> = differences.collect();
        let width = networks.first().map_or(0, |(_, columns)| columns.len());
        let columns = (0..width).map(|column| networks.iter().map(|(_, values)| values[column]).collect());
        let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let total: f64 = differences.iter().map(mean).sum();
        let scale = MEDIAN_DISTANCE / total.max(f64::MIN_POSITIVE);
        let mut medians = vec![if total > 0.0 { scale.ln() } else { 0.0 }; differences.len()];
        medians.resize(differences.len() + width, MEDIAN_SLOPE.ln());
        medians.push(MEDIAN_NOISE.ln());
        Self {
            columns: columns.collect(),
            differences,
            targets,
            medians,
        }
    }

    /// The most probable hyper-parameters found in a number of steps of resilient propagation (Riedmiller and Braun, 1993).
    /// The ascent starts from the medians of the priors, or from earlier hyper-parameters.
    pub fn maximise(&self, start: Option<&Hyperparameters>, steps: usize) -> Hyperparameters {
        let mut here = start.map_or_else(|| self.medians.clone(), Self::logarithms);
        let mut best = (f64::NEG_INFINITY, here.clone());
        let mut sizes = vec![0.3; here.len()];
        let mut former = vec![0.0; here.len()];
        for _ in 0..steps {
            let Some((value, gradient)) = self.evaluate(&here) else {
                break;
            };
            if value > best.0 {
                best = (value, here.clone());
            }
            for index in 0..here.len() {
                let turned = gradient[index] * former[index];
                let factor = if turned > 0.0 { 1.5 } else { 0.5 };
                if turned != 0.0 {
                    sizes[index] = f64::clamp(sizes[index] * factor, 1e-3, 1.0);
                }
                let median = self.medians[index];
                let moved = here[index] + sizes[index] * gradient[index].signum();
                here[index] = moved.clamp(median - FARTHEST, median + FARTHEST);
            }
            former = gradient;
        }
        self.parameters(&best.1)
    }

    fn parameters(&self, logarithms: &[f64]) -> Hyperparameters {
        let values: Vec<f64> = logarithms.iter().map(|value| value.exp()).collect();
        let (scales, rest) = values.split_at(self.differences.len());
        let (slopes, noise) = rest.split_at(self.columns.len());
        Hyperparameters {
            scales: scales.to_vec(),
            slopes: slopes.to_vec(),
            noise: noise[0],
        }
    }

    fn logarithms(parameters: &Hyperparameters) -> Vec<f64> {
        let values = parameters
            .scales
            .iter()
            .chain(&parameters.slopes)
            .chain([&parameters.noise]);
        values.map(|value| value.ln()).collect()
    }

    /// The logarithm of the posterior density, up to a constant, and its gradient; `None` where the covariance is not
    /// positive definite.
    fn evaluate(&self, logarithms: &[f64]) -> Option<(f64, Vec<f64>)> {
        let parameters = self.parameters(logarithms);
        let count = self.targets.len();
        let (stationary, covariance) = self.covariance(&parameters);
        let factor = Cholesky::new(covariance)?;
        let weights = factor.solve(&self.targets);
        let fit = self.targets.dot(&weights) + PRIOR_OBSERVATIONS;
        let freedom = count as f64 + PRIOR_OBSERVATIONS;
        let determinant: f64 = factor.l_dirty().diagonal().iter().map(|value| value.ln()).sum();
        let deviations = logarithms.iter().zip(&self.medians);
        let deviations: Vec<f64> = deviations
            .map(|(value, median)| (value - median) / PRIOR_DEVIATION)
            .collect();
        let prior: f64 = deviations.iter().map(|value| -0.5 * value * value).sum();
        let value = -0.5 * freedom * fit.ln() - determinant + prior;

        // The derivative in the covariance; what follows is the chain rule.
        let mut sensitivity = factor.inverse();
        sensitivity.neg_mut();
        sensitivity.ger(freedom / fit, &weights, &weights, 1.0);
        let mut gradient = Vec::with_capacity(logarithms.len());
        for (differences, scale) in self.differences.iter().zip(&parameters.scales) {
            let mut sum = 0.0;
            let mut pair = 0;
            for row in 0..count {
                for column in 0..row {
                    sum -= sensitivity[(row, column)] * stationary[pair] * differences[pair];
                    pair += 1;
                }
            }
            gradient.push(scale * sum);
        }
        for (column, slope) in self.columns.iter().zip(&parameters.slopes) {
            let column = DVector::from_column_slice(column);
            gradient.push(0.5 * slope * column.dot(&(&sensitivity * &column)));
        }
        gradient.push(0.5 * parameters.noise * sensitivity.trace());
        for (value, deviation) in gradient.iter_mut().zip(&deviations) {
            *value -= deviation / PRIOR_DEVIATION;
        }
        Some((value, gradient))
    }

    /// The exponential part of the covariance by pairs, and the covariance with noise.
    fn covariance(&self, parameters: &Hyperparameters) -> (Vec<f64>, DMatrix<f64>) {
        let count = self.targets.len();
        let mut exponents = vec![0.0; count * count.saturating_sub(1) / 2];
        for (differences, scale) in self.differences.iter().zip(&parameters.scales) {
            for (exponent, difference) in exponents.iter_mut().zip(differences) {
                *exponent -= scale * difference;
            }
        }
        let stationary: Vec<f64> = exponents.into_iter().map(f64::exp).collect();
        let mut covariance = DMatrix::zeros(count, count);
        let mut pair = 0;
        for row in 0..count {
            for column in 0..=row {
                let slopes = self.columns.iter().zip(&parameters.slopes);
                let linear: f64 = slopes.map(|(values, slope)| slope * values[row] * values[column]).sum();
                let rest = if row == column {
                    1.0 + parameters.noise
                } else {
                    pair += 1;
                    stationary[pair - 1]
                };
                covariance[(row, column)] = rest + linear;
                covariance[(column, row)] = rest + linear;
            }
        }
        (stationary, covariance)
    }
}

#[cfg(test)]
mod tests {
    use mnas_space::SearchSpace;

    use super::*;
    use mnas_space::random::stream;

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet").unwrap()).unwrap();
        let encoder = Encoder::new(&space);
        let mut rng = stream(0, "test", 0, 0);
        let networks: Vec<Encoding> = (0..20).map(|_| encoder.encode(&space.sample(&mut rng))).collect();
        let columns: Vec<[f64; 2]> = (0..20)
            .map(|row| [f64::from(row).sin(), f64::from(row).cos()])
            .collect();
        let rows: Vec<(&Encoding, &[f64])> = networks.iter().zip(&columns).map(|(one, x)| (one, &x[..])).collect();
        let targets = DVector::from_fn(20, |row, _| (row as f64 * 0.7).sin() + 0.1 * row as f64 - 1.0);
        let problem = Problem::new(&encoder, &rows, targets);
        let here: Vec<f64> = problem
            .medians
            .iter()
            .enumerate()
            .map(|(at, value)| value + 0.1 * at as f64)
            .collect();
        let (_, gradient) = problem.evaluate(&here).unwrap();
        for index in 0..here.len() {
            let value = |step: f64| {
                let mut there = here.clone();
                there[index] += step;
                problem.evaluate(&there).unwrap().0
            };
            let difference = (value(1e-4) - value(-1e-4)) / 2e-4;
            assert!(
                (difference - gradient[index]).abs() < 1e-4 * (1.0 + difference.abs()),
                "{index}"
            );
        }
    }
}

//! Gaussian process regression (Rasmussen and Williams 2006, algorithm 2.1) with a squared exponential kernel.

use crate::regression;

/// Candidate length scales, in the features' units.
const LENGTHS: [f64; 3] = [2.0, 3.5, 6.0];
/// Candidate noise variances, as shares of the signal variance.
const NOISES: [f64; 3] = [0.003, 0.02, 0.15];

/// Fitted Gaussian process, whose mean is 0 far from its points.
#[derive(Debug, Clone)]
pub(super) struct Process {
    points: Vec<Vec<f64>>,
    lower: Vec<Vec<f64>>,
    weights: Vec<f64>,
    length: f64,
    noise: f64,
    signal: f64,
    held_out_error: f64,
}

impl Process {
    /// Fits features and values, with the length scale and noise of the least leave-one-out error; `None` for fewer than 8 points.
    pub fn fit(points: Vec<(Vec<f64>, f64)>) -> Option<Self> {
        if points.len() < 8 {
            return None;
        }
        let (points, values): (Vec<Vec<f64>>, Vec<f64>) = points.into_iter().unzip();
        let signal = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
        if signal <= 1e-12 {
            return None;
        }
        // Selects the hyperparameters on a subset of the points, then fits all points.
        let step = points.len().div_ceil(250);
        let part: Vec<usize> = (0..points.len()).step_by(step).collect();
        let distances = squared_distances(&points, &part);
        let part_values: Vec<f64> = part.iter().map(|index| values[*index]).collect();
        let choices = LENGTHS
            .iter()
            .flat_map(|length| NOISES.iter().map(move |noise| (*length, *noise)));
        let errors = choices.filter_map(|(length, noise)| {
            let lower = regression::cholesky(&kernel_matrix(&distances, length, noise))?;
            Some((leave_one_out(&lower, &part_values), length, noise))
        });
        let (held_out_error, length, noise) = errors.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let all: Vec<usize> = (0..points.len()).collect();
        let lower = regression::cholesky(&kernel_matrix(&squared_distances(&points, &all), length, noise))?;
        let weights = regression::solve_factored(&lower, &values);
        Some(Self {
            points,
            lower,
            weights,
            length,
            noise,
            signal,
            held_out_error,
        })
    }

    /// Mean and standard deviation of the value at a point.
    pub fn at(&self, features: &[f64]) -> (f64, f64) {
        let near: Vec<f64> = self
            .points
            .iter()
            .map(|point| kernel(squared_distance(point, features), self.length))
            .collect();
        let mean = near.iter().zip(&self.weights).map(|(k, w)| k * w).sum();
        // kᵀ K⁻¹ k is the square of L⁻¹ k, which half of the substitutions find.
        let mut solved = near;
        regression::solve_lower_in_place(&self.lower, &mut solved);
        let unexplained = (1.0 - regression::dot(&solved, &solved)).max(0.0);
        (
            mean,
            (self.signal * (unexplained + self.noise))
                .sqrt()
                .max(0.5 * self.held_out_error),
        )
    }

    /// Root mean square of the leave-one-out errors.
    pub fn held_out_error(&self) -> f64 {
        self.held_out_error
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn squared_distances(points: &[Vec<f64>], part: &[usize]) -> Vec<Vec<f64>> {
    part.iter()
        .map(|i| {
            part.iter()
                .map(|j| squared_distance(&points[*i], &points[*j]))
                .collect()
        })
        .collect()
}

fn kernel(squared_distance: f64, length: f64) -> f64 {
    (-0.5 * squared_distance / (length * length)).exp()
}

fn kernel_matrix(distances: &[Vec<f64>], length: f64, noise: f64) -> Vec<Vec<f64>> {
    let mut matrix: Vec<Vec<f64>> = distances
        .iter()
        .map(|row| row.iter().map(|distance| kernel(*distance, length)).collect())
        .collect();
    for (index, row) in matrix.iter_mut().enumerate() {
        row[index] += noise;
    }
    matrix
}

/// Root mean square of the leave-one-out errors, in closed form: `(K⁻¹y)_i / (K⁻¹)_ii`.
fn leave_one_out(lower: &[Vec<f64>], values: &[f64]) -> f64 {
    let n = values.len();
    let weights = regression::solve_factored(lower, values);
    let mut unit = vec![0.0; n];
    let mut sum = 0.0;
    for (index, weight) in weights.iter().enumerate() {
        unit[index] = 1.0;
        let diagonal = regression::solve_factored(lower, &unit)[index];
        unit[index] = 0.0;
        sum += (weight / diagonal).powi(2);
    }
    (sum / n as f64).sqrt()
}

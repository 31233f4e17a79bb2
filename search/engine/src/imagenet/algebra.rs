//! Linear regression with Gaussian priors.

use nalgebra::{DMatrix, DVector};

/// Prior of a coefficient: a normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prior {
    pub mean: f64,
    pub deviation: f64,
}

/// Posterior of coefficients.
#[derive(Debug, Clone)]
pub(super) struct Posterior {
    pub mean: DVector<f64>,
    pub covariance: DMatrix<f64>,
}

/// Posterior of linear regression of `y` on the rows of `x` with normal errors of deviation `noise`.
///
/// # Panics
///
/// Panics if the normal equations are not positive definite, which proper priors exclude for finite rows.
pub(super) fn regress(x: &DMatrix<f64>, y: &DVector<f64>, priors: &[Prior], noise: f64) -> Posterior {
    let prior_mean = DVector::from_iterator(priors.len(), priors.iter().map(|prior| prior.mean));
    let mut precision = x.tr_mul(x) / noise.powi(2);
    for (index, prior) in priors.iter().enumerate() {
        precision[(index, index)] += prior.deviation.powi(-2);
    }
    let factor = precision
        .cholesky()
        .expect("proper priors make the precision positive definite");
    let residual = y - x * &prior_mean;
    let mean = prior_mean + factor.solve(&(x.tr_mul(&residual) / noise.powi(2)));
    Posterior {
        mean,
        covariance: factor.inverse(),
    }
}

/// Means and standard deviations of columns.
pub(super) fn moments(rows: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let (count, width) = (rows.len() as f64, rows.first().map_or(0, Vec::len));
    let mean: Vec<f64> = (0..width)
        .map(|column| rows.iter().map(|row| row[column]).sum::<f64>() / count)
        .collect();
    let deviation = (0..width).map(|column| {
        let squares = rows.iter().map(|row| (row[column] - mean[column]).powi(2));
        (squares.sum::<f64>() / count).sqrt()
    });
    (mean.clone(), deviation.collect())
}

/// Matrix of these rows.
pub(super) fn matrix(rows: &[Vec<f64>]) -> DMatrix<f64> {
    let width = rows.first().map_or(0, Vec::len);
    DMatrix::from_row_iterator(rows.len(), width, rows.iter().flatten().copied())
}

/// `xᵀ a x`.
pub(super) fn quadratic_form(a: &[Vec<f64>], x: &[f64]) -> f64 {
    let dot = |row: &Vec<f64>| row.iter().zip(x).map(|(a, x)| a * x).sum::<f64>();
    a.iter().zip(x).map(|(row, x)| x * dot(row)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_coefficients_are_found_and_priors_hold_where_data_say_nothing() {
        let rows: Vec<Vec<f64>> = (0..20).map(|i| vec![1.0, f64::from(i) / 10.0, 0.0]).collect();
        let y = DVector::from_iterator(20, rows.iter().map(|row| 2.0 - 3.0 * row[1]));
        let prior = Prior {
            mean: 0.7,
            deviation: 10.0,
        };
        let posterior = regress(&matrix(&rows), &y, &[prior; 3], 1e-3);
        let expected = [2.0, -3.0, 0.7];
        assert!(
            posterior
                .mean
                .iter()
                .zip(expected)
                .all(|(found, expected)| (found - expected).abs() < 1e-5)
        );
        assert!((posterior.covariance[(2, 2)] - 100.0).abs() < 1e-6);
        assert_eq!(moments(&rows).0[0], 1.0);
    }
}

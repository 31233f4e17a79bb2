//! Dense least squares for small problems.

/// Cholesky factor: the lower triangle `l` with `l lᵀ = a`, for a symmetric matrix given by rows; `None` if it is not positive
/// definite.
pub(crate) fn cholesky(a: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let n = a.len();
    let mut lower: Vec<Vec<f64>> = (0..n).map(|row| vec![0.0; row + 1]).collect();
    for row in 0..n {
        for column in 0..=row {
            let (above, here) = lower.split_at(row);
            let other = if column < row { &above[column] } else { &here[0] };
            let dot: f64 = here[0][..column].iter().zip(&other[..column]).map(|(x, y)| x * y).sum();
            let rest = a[row][column] - dot;
            if column < row {
                lower[row][column] = rest / lower[column][column];
            } else if rest > 0.0 {
                lower[row][row] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(lower)
}

/// Solves `l lᵀ x = b`.
pub(crate) fn solve_factored(lower: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let mut x = b.to_vec();
    solve_factored_in_place(lower, &mut x);
    x
}

/// [`solve_factored`], the right side becoming the solution.
pub(crate) fn solve_factored_in_place(lower: &[Vec<f64>], x: &mut [f64]) {
    let n = x.len();
    for row in 0..n {
        let dot: f64 = lower[row][..row].iter().zip(&*x).map(|(l, x)| l * x).sum();
        x[row] = (x[row] - dot) / lower[row][row];
    }
    for row in (0..n).rev() {
        x[row] /= lower[row][row];
        let value = x[row];
        for (column, l) in lower[row][..row].iter().enumerate() {
            x[column] -= l * value;
        }
    }
}

/// Solves `Lx = b` for a lower triangular `L`, the right side becoming the solution.
pub(crate) fn solve_lower_in_place(lower: &[Vec<f64>], x: &mut [f64]) {
    for row in 0..x.len() {
        x[row] = (x[row] - dot(&lower[row][..row], &x[..row])) / lower[row][row];
    }
}

/// Sums that [`dot`] adds up beside one another.
const LANES: usize = 8;

/// Scalar product of long vectors: several sums beside one another, which the processor adds at once.
pub(crate) fn dot(one: &[f64], other: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (one, other) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest: f64 = one.remainder().iter().zip(other.remainder()).map(|(a, b)| a * b).sum();
    for (one, other) in one.zip(other) {
        for (sum, (a, b)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += a * b;
        }
    }
    rest + sums.iter().sum::<f64>()
}

/// Normal equations: the Gram matrix `xᵀx` and the vector `xᵀy`.
fn normal_equations(x: &[Vec<f64>], y: &[f64], width: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut gram = vec![vec![0.0; width]; width];
    let mut right = vec![0.0; width];
    for (row, y) in x.iter().zip(y) {
        for i in 0..width {
            right[i] += row[i] * y;
            for j in 0..width {
                gram[i][j] += row[i] * row[j];
            }
        }
    }
    (gram, right)
}

/// Mean square of each column. A penalty of `n` times this value has the weight of `n` rows.
pub(crate) fn mean_squares(x: &[Vec<f64>]) -> Vec<f64> {
    let columns = x.first().map_or(0, Vec::len);
    (0..columns)
        .map(|column| x.iter().map(|row| row[column].powi(2)).sum::<f64>() / x.len() as f64)
        .collect()
}

/// Ridge regression towards `prior`: minimises `Σ (x·β − y)² + Σ penalty_j (β_j − prior_j)²`. Returns the coefficients and the
/// Cholesky factor of the normal equations.
pub(crate) fn ridge(x: &[Vec<f64>], y: &[f64], prior: &[f64], penalty: &[f64]) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    let width = prior.len();
    let (mut gram, mut right) = normal_equations(x, y, width);
    for i in 0..width {
        gram[i][i] += penalty[i];
        right[i] += penalty[i] * prior[i];
    }
    let lower = cholesky(&gram)?;
    Some((solve_factored(&lower, &right), lower))
}

/// Least squares with non-negative coefficients, by coordinate descent; columns that do not reduce the error keep the coefficient 0.
pub(crate) fn non_negative(x: &[Vec<f64>], y: &[f64], penalty: f64) -> Vec<f64> {
    const SWEEPS: usize = 400;
    let width = x.first().map_or(0, Vec::len);
    let (gram, right) = normal_equations(x, y, width);
    let mut beta = vec![0.0; width];
    for _ in 0..SWEEPS {
        for i in 0..width {
            // The penalty is relative to the column, so that it does not depend on the column's unit.
            let diagonal = gram[i][i] * (1.0 + penalty);
            if diagonal > 0.0 {
                let dot: f64 = gram[i].iter().zip(&beta).map(|(g, b)| g * b).sum::<f64>() - gram[i][i] * beta[i];
                beta[i] = f64::max((right[i] - dot) / diagonal, 0.0);
            }
        }
    }
    beta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_substitutions_give_the_square() {
        let size = 21;
        let entry = |i: usize, j: usize| {
            if i == j {
                2.0
            } else {
                1.0 / (2.0 + i.abs_diff(j) as f64)
            }
        };
        let matrix: Vec<Vec<f64>> = (0..size).map(|i| (0..size).map(|j| entry(i, j)).collect()).collect();
        let lower = cholesky(&matrix).unwrap();
        let vector: Vec<f64> = (0..size).map(|i| (i as f64).sin()).collect();
        let whole: f64 = dot(&vector, &solve_factored(&lower, &vector));
        let mut half = vector;
        solve_lower_in_place(&lower, &mut half);
        assert!((dot(&half, &half) - whole).abs() < 1e-12 * whole.abs(), "{whole}");
    }

    #[test]
    fn a_system_is_solved() {
        let a = vec![vec![4.0, 2.0, 0.6], vec![2.0, 5.0, 1.0], vec![0.6, 1.0, 3.0]];
        let x = [1.0, -2.0, 0.5];
        let b: Vec<f64> = a
            .iter()
            .map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum())
            .collect();
        let solved = solve_factored(&cholesky(&a).unwrap(), &b);
        assert!(solved.iter().zip(&x).all(|(s, x)| (s - x).abs() < 1e-12), "{solved:?}");
        assert!(cholesky(&[vec![1.0, 2.0], vec![2.0, 1.0]]).is_none());
    }

    #[test]
    fn regressions_find_what_was_planted() {
        let x: Vec<Vec<f64>> = (0..30).map(|i| vec![1.0, f64::from(i), f64::from(i * i % 7)]).collect();
        let y: Vec<f64> = x.iter().map(|row| 2.0 + 3.0 * row[1]).collect();
        let (found, _) = ridge(&x, &y, &[0.0; 3], &[1e-9; 3]).unwrap();
        assert!((found[1] - 3.0).abs() < 1e-6 && found[2].abs() < 1e-6, "{found:?}");
        let found = non_negative(&x, &y, 0.0);
        assert!(
            (found[0] - 2.0).abs() < 0.05 && (found[1] - 3.0).abs() < 0.01,
            "{found:?}"
        );
        let falling: Vec<f64> = y.iter().map(|y| -y).collect();
        assert!(non_negative(&x, &falling, 0.0).iter().all(|beta| *beta == 0.0));
    }
}

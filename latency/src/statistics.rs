//! Order statistics of small samples.

/// `q`-quantile (0 to 1) of sorted values, with linear interpolation.
///
/// # Panics
/// If there are no values.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    assert!(!sorted.is_empty(), "a quantile needs at least one value");
    let position = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, share) = (position.floor() as usize, position.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + share * (sorted[high] - sorted[low])
}

/// Median of values in any order.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values), 0.5)
}

/// Values in ascending order.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// Half-width of the median's 95 % confidence interval, relative to the median, from order statistics (without an assumption
/// about the distribution); infinite for fewer than 6 values, for which no such interval exists.
pub(crate) fn relative_median_error(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    if n < 6 {
        return f64::INFINITY;
    }
    let half = 1.96 * (n as f64).sqrt() / 2.0;
    let middle = (n as f64 - 1.0) / 2.0;
    let low = sorted[(middle - half).floor().max(0.0) as usize];
    let high = sorted[((middle + half).ceil() as usize).min(n - 1)];
    (high - low) / 2.0 / quantile(sorted, 0.5)
}

/// Number of outliers: values further from the median than 5 scaled median absolute deviations, and than 5 % of the median,
/// so that samples with very little noise have no accidental outliers.
pub(crate) fn outliers(sorted_values: &[f64]) -> u32 {
    let middle = quantile(sorted_values, 0.5);
    let deviations: Vec<f64> = sorted_values.iter().map(|value| (value - middle).abs()).collect();
    let bound = (5.0 * 1.4826 * median(&deviations)).max(0.05 * middle);
    deviations.iter().filter(|deviation| **deviation > bound).count() as u32
}

/// Spearman's rank correlation of two series of equal length; tied values share their mean rank.
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    let (x, y) = (ranks(x), ranks(y));
    let mean = (x.len() as f64 - 1.0) / 2.0;
    let sum = |f: &dyn Fn(usize) -> f64| (0..x.len()).map(f).sum::<f64>();
    let covariance = sum(&|i| (x[i] - mean) * (y[i] - mean));
    let spread = (sum(&|i| (x[i] - mean).powi(2)) * sum(&|i| (y[i] - mean).powi(2))).sqrt();
    if spread > 0.0 { covariance / spread } else { 0.0 }
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tie = order[start..]
            .iter()
            .take_while(|i| values[**i].total_cmp(&values[order[start]]).is_eq())
            .count();
        for &index in &order[start..start + tie] {
            ranks[index] = start as f64 + (tie as f64 - 1.0) / 2.0;
        }
        start += tie;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 0.5) - 2.5).abs() < 1e-12);
        assert!((quantile(&[1.0, 2.0, 3.0], 0.1) - 1.2).abs() < 1e-12);
        assert!((quantile(&[7.0], 0.9) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn few_values_have_no_interval() {
        assert!(relative_median_error(&[1.0; 5]).is_infinite());
        assert!(relative_median_error(&[1.0; 9]) < 1e-12);
    }

    #[test]
    fn spikes_are_counted_and_noise_is_not() {
        let mut values: Vec<f64> = (0..40).map(|i| 1.0 + 0.01 * f64::from(i % 5)).collect();
        values.extend([3.0, 4.0]);
        assert_eq!(outliers(&sorted(&values)), 2);
    }

    #[test]
    fn rank_correlation_handles_ties_and_order() {
        assert!((spearman(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]) - 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 1.0, 3.0], &[5.0, 5.0, 9.0]) - 1.0).abs() < 1e-12);
    }
}

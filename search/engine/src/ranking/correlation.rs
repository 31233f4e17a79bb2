//! Rank correlations.

/// Kendall's tau and Spearman's rho of two sequences; `None` where one of them is constant.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Correlation {
    /// Kendall's tau-b.
    pub tau: Option<f64>,
    /// Spearman's rho.
    pub rho: Option<f64>,
}

/// Both rank correlations of pairs of finite numbers.
pub fn correlate(pairs: &[(f64, f64)]) -> Correlation {
    Correlation {
        tau: kendall_tau(pairs),
        rho: spearman_rho(pairs),
    }
}

/// Kendall's tau-b (Kendall, 1945), which accounts for ties, in `n log n` steps (Knight, 1966); `None` where a sequence is
/// constant.
pub fn kendall_tau(pairs: &[(f64, f64)]) -> Option<f64> {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let all = pairs_among(sorted.len());
    let ties = |is_tie: fn(&(f64, f64), &(f64, f64)) -> bool, sorted: &[(f64, f64)]| -> u64 {
        sorted.chunk_by(is_tie).map(|run| pairs_among(run.len())).sum()
    };
    let ties_in_first = ties(|one, other| one.0.total_cmp(&other.0).is_eq(), &sorted);
    let ties_in_both = ties(
        |one, other| one.0.total_cmp(&other.0).is_eq() && one.1.total_cmp(&other.1).is_eq(),
        &sorted,
    );
    let mut second: Vec<f64> = sorted.iter().map(|pair| pair.1).collect();
    let mut buffer = second.clone();
    let discordant = sort_counting_inversions(&mut second, &mut buffer);
    let ties_in_second: u64 = second
        .chunk_by(|one, other| one.total_cmp(other).is_eq())
        .map(|run| pairs_among(run.len()))
        .sum();
    let untied = |ties: u64| (all - ties) as f64;
    let scale = (untied(ties_in_first) * untied(ties_in_second)).sqrt();
    let concordant = (all + ties_in_both) as f64 - (ties_in_first + ties_in_second + discordant) as f64;
    (scale > 0.0).then(|| (concordant - discordant as f64) / scale)
}

fn pairs_among(count: usize) -> u64 {
    let count = count as u64;
    count * count.saturating_sub(1) / 2
}

/// Sorts values by merging; returns the number of pairs that were out of order.
fn sort_counting_inversions(values: &mut [f64], buffer: &mut [f64]) -> u64 {
    let middle = values.len() / 2;
    if middle == 0 {
        return 0;
    }
    let (left, right) = values.split_at_mut(middle);
    let mut inversions = sort_counting_inversions(left, &mut buffer[..middle]);
    inversions += sort_counting_inversions(right, &mut buffer[middle..]);
    let (mut one, mut other) = (0, 0);
    for slot in buffer.iter_mut() {
        if other == right.len() || (one < left.len() && left[one] <= right[other]) {
            *slot = left[one];
            one += 1;
        } else {
            *slot = right[other];
            other += 1;
            inversions += (left.len() - one) as u64;
        }
    }
    values.copy_from_slice(buffer);
    inversions
}

/// Spearman's rho: the correlation of ranks, those of equal values being their mean; `None` where a sequence is constant.
pub fn spearman_rho(pairs: &[(f64, f64)]) -> Option<f64> {
    let ranks = |values: Vec<f64>| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&one, &other| values[one].total_cmp(&values[other]));
        let mut ranks = vec![0.0; values.len()];
        let mut before = 0;
        for run in order.chunk_by(|&one, &other| values[one].total_cmp(&values[other]).is_eq()) {
            let rank = before as f64 + (run.len() as f64 - 1.0) / 2.0;
            for &index in run {
                ranks[index] = rank;
            }
            before += run.len();
        }
        ranks
    };
    let first = ranks(pairs.iter().map(|pair| pair.0).collect());
    let second = ranks(pairs.iter().map(|pair| pair.1).collect());
    let mean = (pairs.len() as f64 - 1.0) / 2.0;
    let product = |one: &[f64], other: &[f64]| -> f64 {
        one.iter()
            .zip(other)
            .map(|(one, other)| (one - mean) * (other - mean))
            .sum()
    };
    let scale = (product(&first, &first) * product(&second, &second)).sqrt();
    (scale > 0.0).then(|| product(&first, &second) / scale)
}

#[cfg(test)]
mod tests {
    use mnas_space::random::stream;
    use rand::RngExt;

    use super::*;

    /// Tau-b by all pairs.
    fn naive_tau(pairs: &[(f64, f64)]) -> Option<f64> {
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for (at, one) in pairs.iter().enumerate() {
            for other in &pairs[..at] {
                let sign = |one: f64, other: f64| f64::from(u8::from(one > other)) - f64::from(u8::from(one < other));
                let (x, y) = (sign(one.0, other.0), sign(one.1, other.1));
                sum += x * y;
                first += x * x;
                second += y * y;
            }
        }
        let scale = f64::sqrt(first * second);
        (scale > 0.0).then(|| sum / scale)
    }

    #[test]
    fn tau_is_that_of_all_pairs_with_ties() {
        let mut rng = stream(0, "tau", 0, 0);
        for count in 0..40 {
            let mut value = || f64::from(rng.random_range(0..10_u8));
            let pairs: Vec<(f64, f64)> = (0..count).map(|_| (value(), value())).collect();
            match (kendall_tau(&pairs), naive_tau(&pairs)) {
                (Some(fast), Some(naive)) => assert!((fast - naive).abs() < 1e-12, "{pairs:?}"),
                (fast, naive) => assert_eq!(fast, naive),
            }
        }
    }

    #[test]
    fn known_correlations() {
        // Kendall, "Rank Correlation Methods", 1948, chapter 1: mathematics and music of ten boys.
        let music = [5, 7, 3, 10, 1, 9, 6, 2, 8, 4];
        let mathematics = [7, 4, 3, 10, 6, 2, 9, 8, 1, 5];
        let pairs: Vec<(f64, f64)> = mathematics
            .into_iter()
            .map(f64::from)
            .zip(music.into_iter().map(f64::from))
            .collect();
        let found = correlate(&pairs);
        assert_eq!(found.tau, naive_tau(&pairs));
        let squares: f64 = pairs.iter().map(|(one, other)| (one - other).powi(2)).sum();
        assert!((found.rho.unwrap() - (1.0 - 6.0 * squares / 990.0)).abs() < 1e-12);
        let rising = [(1.0, 2.0), (2.0, 3.0), (3.0, 9.0)];
        assert_eq!(correlate(&rising).tau, Some(1.0));
        assert_eq!(correlate(&rising.map(|(one, other)| (-one, other))).rho, Some(-1.0));
        assert_eq!(correlate(&[(1.0, 2.0), (1.0, 3.0)]), Correlation::default());
        assert_eq!(correlate(&[]), Correlation::default());
    }
}

//! Agreement of scores with accuracies: over all networks, the better half, and the top tenth.

use mnas_space::random::stream;
use rand::RngExt;

use super::correlation::{Correlation, correlate};

/// Resamples of a bootstrap.
pub const RESAMPLES: u64 = 400;

/// Share of the resamples that an interval leaves out on either side: 95 % lie within.
const TAIL: f64 = 0.025;

/// An estimate with its 95 % interval; each `None` where it is not defined.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// The value.
    pub value: Option<f64>,
    /// Ends of the interval.
    pub interval: Option<(f64, f64)>,
}

/// Rank correlations with accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Agreement {
    /// Kendall's tau over all networks.
    pub tau: Estimate,
    /// Kendall's tau over the better half by accuracy.
    pub tau_better_half: Estimate,
    /// Kendall's tau over the best tenth by accuracy.
    pub tau_top_tenth: Estimate,
    /// Spearman's rho over all networks.
    pub rho: Estimate,
    /// Spearman's rho over the better half.
    pub rho_better_half: Estimate,
    /// Spearman's rho over the best tenth.
    pub rho_top_tenth: Estimate,
}

/// The six correlations in the order of [`Agreement`]'s fields.
type Values = [Option<f64>; 6];

impl Agreement {
    /// The agreement of pairs of score and accuracy.
    ///
    /// Several sets of pairs, such as predictions from different labels, count as repetitions: values are their means.
    /// Intervals are those of a percentile bootstrap over the networks (Efron, 1979), each resample from one of the sets.
    pub fn of(sets: &[Vec<(f64, f64)>], seed: u64) -> Self {
        let values: Vec<Values> = sets.iter().map(|pairs| values(pairs)).collect();
        let resampled: Vec<Values> = (0..RESAMPLES)
            .filter_map(|number| {
                let pairs = sets.get(number as usize % sets.len().max(1))?;
                let mut rng = stream(seed, "bootstrap", number, 0);
                let drawn = (0..pairs.len()).map(|_| pairs[rng.random_range(0..pairs.len())]);
                Some(self::values(&drawn.collect::<Vec<_>>()))
            })
            .collect();
        let estimate = |at: usize| Estimate {
            value: mean(values.iter().map(|values| values[at])),
            interval: interval(resampled.iter().filter_map(|values| values[at]).collect()),
        };
        Self {
            tau: estimate(0),
            tau_better_half: estimate(1),
            tau_top_tenth: estimate(2),
            rho: estimate(3),
            rho_better_half: estimate(4),
            rho_top_tenth: estimate(5),
        }
    }
}

fn values(pairs: &[(f64, f64)]) -> Values {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.total_cmp(&other.0)));
    let best = |count: usize| correlate(&sorted[..count.min(sorted.len())]);
    let parts: [Correlation; 3] = [
        best(sorted.len()),
        best(sorted.len().div_ceil(2)),
        best(sorted.len().div_ceil(10)),
    ];
    let [all, half, tenth] = parts;
    [all.tau, half.tau, tenth.tau, all.rho, half.rho, tenth.rho]
}

fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let known: Vec<f64> = values.flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

fn interval(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[(share * last as f64).round() as usize];
    Some((at(TAIL), at(1.0 - TAIL)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen_by_accuracy() {
        // In order among the best ten of a hundred, reversed below the half.
        let score = |accuracy: u32| f64::from(if accuracy < 50 { 50 - accuracy } else { accuracy });
        let pairs = (0..100).map(|accuracy| (score(accuracy), f64::from(accuracy)));
        let found = Agreement::of(&[pairs.collect()], 0);
        assert_eq!(found.tau_better_half.value, Some(1.0));
        assert_eq!(found.rho_top_tenth.value, Some(1.0));
        assert!(found.tau.value.unwrap() < 0.6);
    }

    #[test]
    fn intervals_enclose_the_value_and_shrink_with_more_networks() {
        let noisy = |count: u32| -> Vec<(f64, f64)> {
            let pair = |at: u32| (f64::from(at) + 30.0 * f64::from(at * 7 % 11), f64::from(at));
            (0..count).map(pair).collect()
        };
        let width = |count: u32| {
            let found = Agreement::of(&[noisy(count)], 1).tau;
            let (low, high) = found.interval.unwrap();
            assert!(low <= found.value.unwrap() && found.value.unwrap() <= high, "{found:?}");
            high - low
        };
        assert!(width(400) < width(60));
    }

    #[test]
    fn a_constant_score_has_no_correlation() {
        let found = Agreement::of(&[(0..20).map(|at| (1.0, f64::from(at))).collect()], 0);
        assert_eq!(found, Agreement::default());
        assert_eq!(Agreement::of(&[], 0), Agreement::default());
    }

    #[test]
    fn repetitions_are_averaged() {
        let rising: Vec<(f64, f64)> = (0..20).map(|at| (f64::from(at), f64::from(at))).collect();
        let falling = rising.iter().map(|&(score, accuracy)| (-score, accuracy)).collect();
        assert_eq!(Agreement::of(&[rising, falling], 0).tau.value, Some(0.0));
    }
}

//! Errors of the predictor on networks that its fit did not see.

use mnas_space::Architecture;
use rand::seq::SliceRandom as _;

use super::accel::AccelNetwork;
use super::calibration::{Calibration, Point};
use super::interactions::Interactions;
use super::published::{PublishedNetwork, Recipe};
use super::range::Range;
use super::structure::StructureWeights;
use super::transform::to_percent;
use mnas_space::random::stream;

/// Families that are left out: all published networks of the same authors and blocks.
pub const LEFT_OUT_FAMILIES: [&str; 5] = [
    "mobilenet-v1",
    "mobilenet-v2",
    "mobilenet-v3",
    "mnasnet",
    "efficientnet",
];

/// Published network, predicted without its family.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// Family that was left out.
    pub family: &'static str,
    /// Name of the reference.
    pub reference: String,
    /// Width multiplier.
    pub width: f64,
    /// Input side in pixels.
    pub resolution: u32,
    /// Class of recipes.
    pub recipe: Recipe,
    /// Published top-1 in percent.
    pub published: f64,
    /// Predicted top-1 in percent.
    pub predicted: f64,
    /// Bounds of the 90 % interval in percent.
    pub interval: (f64, f64),
    /// True if the remaining families' range contains the network.
    pub in_range: bool,
}

/// Summary of predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Number of networks.
    pub networks: usize,
    /// Mean absolute error in points.
    pub mean_error: f64,
    /// Mean error in points, above 0 where predictions are too high.
    pub bias: f64,
    /// Kendall's tau-b.
    pub tau: f64,
}

impl Agreement {
    /// Agreement of pairs of prediction and truth.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let count = pairs.len().max(1) as f64;
        Self {
            networks: pairs.len(),
            mean_error: pairs
                .iter()
                .map(|(predicted, truth)| (predicted - truth).abs())
                .sum::<f64>()
                / count,
            bias: pairs.iter().map(|(predicted, truth)| predicted - truth).sum::<f64>() / count,
            tau: kendall_tau(pairs),
        }
    }

    /// Agreement of left-out networks.
    pub fn of_left_out<'a>(networks: impl IntoIterator<Item = &'a LeftOut>) -> Self {
        let pairs = networks
            .into_iter()
            .map(|network| (network.predicted, network.published));
        Self::of(&pairs.collect::<Vec<_>>())
    }
}

/// Kendall's tau-b of pairs, which accounts for ties; 0 where one side does not vary.
pub fn kendall_tau(pairs: &[(f64, f64)]) -> f64 {
    let (mut concordance, mut varied, mut varied_truth) = (0_i64, 0_i64, 0_i64);
    for (index, one) in pairs.iter().enumerate() {
        for other in &pairs[index + 1..] {
            let sign = |a: f64, b: f64| i64::from(a > b) - i64::from(a < b);
            let (predicted, truth) = (sign(one.0, other.0), sign(one.1, other.1));
            concordance += predicted * truth;
            varied += predicted.abs();
            varied_truth += truth.abs();
        }
    }
    let both = (varied as f64 * varied_truth as f64).sqrt();
    if both > 0.0 { concordance as f64 / both } else { 0.0 }
}

/// Predictions of every network of [`LEFT_OUT_FAMILIES`] by the model that is fitted without its family, interval included.
///
/// A recipe that only the left-out family was trained with has an offset of 0, as if it were the default.
pub fn leave_families_out(published: &[PublishedNetwork], accel: &[AccelNetwork]) -> Vec<LeftOut> {
    let weights = StructureWeights::fit(accel);
    let points = Point::all(published, &weights);
    let mut left_out = Vec::new();
    for family in LEFT_OUT_FAMILIES {
        let others: Vec<&Point> = points.iter().filter(|point| point.family != family).collect();
        let calibration = Calibration::fit(&others, &weights);
        let range = Range::of(&others.iter().map(|point| point.summary).collect::<Vec<_>>());
        for (network, point) in published
            .iter()
            .zip(&points)
            .filter(|(network, _)| network.family == family)
        {
            let (value, deviation) = calibration.value(&point.summary, point.recipe);
            let half = calibration.interval * deviation;
            left_out.push(LeftOut {
                family,
                reference: network.reference.clone(),
                width: network.width,
                resolution: network.architecture.resolution,
                recipe: network.recipe,
                published: network.top1,
                predicted: to_percent(value),
                interval: (to_percent(value - half), to_percent(value + half)),
                in_range: range.check(&point.summary).is_ok(),
            });
        }
    }
    left_out
}

/// Agreement on each fifth of the networks of Accel-NASBench, held out in turn after a shuffle with `seed`.
pub fn hold_out_fifths(networks: &[AccelNetwork], seed: u64) -> Vec<Agreement> {
    let mut order: Vec<usize> = (0..networks.len()).collect();
    order.shuffle(&mut stream(seed, "held-out fifths", 0, 0));
    let held_out = |fifth: usize| {
        let chosen = |keep: bool| {
            order
                .iter()
                .enumerate()
                .filter(move |(at, _)| (at % 5 == fifth) == keep)
        };
        let others: Vec<AccelNetwork> = chosen(false).map(|(_, index)| networks[*index].clone()).collect();
        let model = Interactions::fit(&others);
        let predict = |architecture: &Architecture| model.predict(architecture);
        let pairs = chosen(true).map(|(_, index)| (predict(&networks[*index].architecture), networks[*index].top1));
        Agreement::of(&pairs.collect::<Vec<_>>())
    };
    (0..5).map(held_out).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tau_counts_pairs_and_ties() {
        assert_eq!(kendall_tau(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]), 1.0);
        assert_eq!(kendall_tau(&[(3.0, 1.0), (2.0, 2.0), (1.0, 3.0)]), -1.0);
        // Pairs: one agrees, one is tied in the prediction, one agrees.
        let tied = kendall_tau(&[(1.0, 1.0), (1.0, 2.0), (2.0, 3.0)]);
        assert!((tied - 2.0 / 6.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(kendall_tau(&[(1.0, 1.0), (1.0, 2.0)]), 0.0);
    }
}

//! Range of the published networks, outside of which nothing is predicted.

use serde::{Deserialize, Serialize};

use super::algebra::{moments, quadratic_form};
use nalgebra::DMatrix;

/// Number of summary features of a network.
pub(super) const SUMMARIES: usize = 6;

/// Share of a feature's published span by which a network may lie outside of it.
const MARGIN: f64 = 0.05;

/// Largest distance that is predicted, in distances of the farthest published network.
const MOST_DISTANCE: f64 = 1.25;

/// Reason why nothing is predicted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OutOfRange {
    /// The network has no block with a spatial convolution at a resolution.
    #[error(
        "no block has a spatial convolution at 1/{stride} of the input's side; the published networks, from which ImageNet \
         accuracies are predicted, have blocks at 1/4, 1/8, 1/16 and 1/32"
    )]
    EmptyLevel {
        /// Input side divided by the side of the level.
        stride: u32,
    },
    /// A feature is outside of the published span.
    #[error(
        "{feature} is {value:.3}, outside of {low:.3} to {high:.3}, the range of the published networks from which ImageNet \
         accuracies are predicted"
    )]
    Feature {
        /// Name of the feature.
        feature: &'static str,
        /// Value of the network.
        value: f64,
        /// Least value that is predicted.
        low: f64,
        /// Largest value that is predicted.
        high: f64,
    },
    /// The combination of features is unlike every published network.
    #[error(
        "the network is unlike the published ones, from which ImageNet accuracies are predicted: its distance is {distance:.2} \
         times that of the farthest of them, at most {most} is predicted"
    )]
    Distance {
        /// Distance, 1 for the farthest published network.
        distance: f64,
        /// Largest distance that is predicted.
        most: f64,
    },
}

/// Spans of the published networks' summary features and their covariance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Range {
    /// Least value of every feature.
    low: Vec<f64>,
    /// Largest value of every feature.
    high: Vec<f64>,
    /// Centre of the distance.
    centre: Vec<f64>,
    /// Matrix of the squared distance from the centre, scaled so that the farthest published network has the distance 1.
    metric: Vec<Vec<f64>>,
}

/// Summary feature as messages state it.
struct StatedFeature {
    name: &'static str,
    /// Value in the unit of the name.
    value: fn(f64) -> f64,
}

const STATED: [StatedFeature; SUMMARIES] = [
    StatedFeature {
        name: "the mean width of spatial convolutions, in channels,",
        value: f64::exp,
    },
    StatedFeature {
        name: "the mean number of spatial convolutions per level",
        value: f64::exp_m1,
    },
    StatedFeature {
        name: "the input's side in pixels",
        value: |value| 224.0 * value.exp(),
    },
    StatedFeature {
        name: "the share of blocks with squeeze-excite",
        value: |value| value,
    },
    StatedFeature {
        name: "the mean side of kernels",
        value: |value| 3.0 * value.exp(),
    },
    StatedFeature {
        name: "the share of smooth activations",
        value: |value| value,
    },
];

impl Range {
    /// Range of networks with these features.
    pub(super) fn of(features: &[[f64; SUMMARIES]]) -> Self {
        let rows: Vec<Vec<f64>> = features.iter().map(|row| row.to_vec()).collect();
        let (centre, deviation) = moments(&rows);
        let mut covariance = DMatrix::<f64>::zeros(SUMMARIES, SUMMARIES);
        for row in &rows {
            for (i, j) in (0..SUMMARIES).flat_map(|i| (0..SUMMARIES).map(move |j| (i, j))) {
                covariance[(i, j)] += (row[i] - centre[i]) * (row[j] - centre[j]) / rows.len() as f64;
            }
        }
        // Features that vary together in the published networks may vary a little on their own.
        for (index, deviation) in deviation.iter().enumerate() {
            covariance[(index, index)] += 0.1 * deviation.powi(2) + 1e-9;
        }
        let inverse = covariance
            .cholesky()
            .expect("a covariance with a ridge is positive definite")
            .inverse();
        let mut metric: Vec<Vec<f64>> = inverse.row_iter().map(|row| row.iter().copied().collect()).collect();
        let difference = |row: &Vec<f64>| {
            row.iter()
                .zip(&centre)
                .map(|(value, centre)| value - centre)
                .collect::<Vec<_>>()
        };
        let farthest = rows.iter().map(|row| quadratic_form(&metric, &difference(row)));
        let farthest = farthest.fold(f64::MIN_POSITIVE, f64::max);
        metric.iter_mut().flatten().for_each(|value| *value /= farthest);
        let extreme =
            |index: usize, pick: fn(f64, f64) -> f64| rows.iter().map(|row| row[index]).reduce(pick).unwrap_or(0.0);
        Self {
            low: (0..SUMMARIES).map(|index| extreme(index, f64::min)).collect(),
            high: (0..SUMMARIES).map(|index| extreme(index, f64::max)).collect(),
            centre,
            metric,
        }
    }

    /// Span of a feature with its margin.
    fn span(&self, index: usize) -> (f64, f64) {
        let margin = MARGIN * (self.high[index] - self.low[index]) + 1e-9;
        (self.low[index] - margin, self.high[index] + margin)
    }

    /// Checks every feature on its own.
    pub(super) fn check_features(&self, features: &[f64; SUMMARIES]) -> Result<(), OutOfRange> {
        for (index, value) in features.iter().enumerate() {
            let (low, high) = self.span(index);
            if !(low..=high).contains(value) {
                let stated = &STATED[index];
                return Err(OutOfRange::Feature {
                    feature: stated.name,
                    value: (stated.value)(*value),
                    low: (stated.value)(low),
                    high: (stated.value)(high),
                });
            }
        }
        Ok(())
    }

    /// Distance from the centre of the published networks, 1 for the farthest of them.
    pub(super) fn distance(&self, features: &[f64; SUMMARIES]) -> f64 {
        let difference: Vec<f64> = features
            .iter()
            .zip(&self.centre)
            .map(|(value, centre)| value - centre)
            .collect();
        quadratic_form(&self.metric, &difference).max(0.0).sqrt()
    }

    /// Distance of a network in range.
    pub(super) fn check(&self, features: &[f64; SUMMARIES]) -> Result<f64, OutOfRange> {
        self.check_features(features)?;
        let distance = self.distance(features);
        if distance > MOST_DISTANCE {
            return Err(OutOfRange::Distance {
                distance,
                most: MOST_DISTANCE,
            });
        }
        Ok(distance)
    }

    /// Returns true if the lists have the lengths that the predictor needs.
    pub(super) fn is_complete(&self) -> bool {
        let lists = [&self.low, &self.high, &self.centre].into_iter().chain(&self.metric);
        self.metric.len() == SUMMARIES && lists.into_iter().all(|list| list.len() == SUMMARIES)
    }

    /// The range with rounded numbers.
    pub(super) fn rounded(mut self, round: impl Fn(f64) -> f64) -> Self {
        let lists = [&mut self.low, &mut self.high, &mut self.centre];
        let lists = lists.into_iter().chain(&mut self.metric);
        lists.flatten().for_each(|number| *number = round(*number));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_refused_by_feature_and_by_combination() {
        // Width and depth grow together.
        let rows: Vec<[f64; SUMMARIES]> = (0..=20)
            .map(|index| {
                let size = f64::from(index) / 20.0;
                [
                    4.0 + size,
                    1.0 + size,
                    0.0,
                    size * f64::from(index % 2),
                    0.1 * f64::from(index % 3),
                    0.0,
                ]
            })
            .collect();
        let range = Range::of(&rows);
        let farthest = rows.iter().map(|row| range.distance(row)).fold(0.0, f64::max);
        assert!((farthest - 1.0).abs() < 1e-9);
        assert!(range.check(&rows[10]).unwrap() < 1.0);
        let mut wide = rows[10];
        wide[0] = 5.2;
        let error = range.check(&wide).unwrap_err();
        assert!(error.to_string().contains("width"), "{error}");
        let mut odd = rows[10];
        (odd[0], odd[1]) = (4.0, 2.0);
        assert!(
            matches!(range.check(&odd), Err(OutOfRange::Distance { .. })),
            "{:?}",
            range.check(&odd)
        );
    }
}

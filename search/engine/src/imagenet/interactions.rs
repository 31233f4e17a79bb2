//! Accuracy of Accel-NASBench's networks with that benchmark's recipe.
//!
//! The model has a term for each of 28 features of seven stages and for each pair of them, in the space of the benchmark
//! only. Its terms do not carry over to networks with other stages; what carries over is in [`super::fit`].

use mnas_space::Architecture;
use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use super::accel::AccelNetwork;
use super::algebra::{Prior, matrix, moments, regress};
use super::features::stage_groups;
use super::transform::{from_percent, to_percent};

/// Deviation of the errors relative to the prior deviation of the coefficients of standardised terms.
const RELATIVE_NOISE: f64 = 1.732_050_8;

/// Standardised features and their pairwise products, with a coefficient each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Interactions {
    /// Means of the features.
    mean: Vec<f64>,
    /// Standard deviations of the features.
    deviation: Vec<f64>,
    /// Constant term.
    constant: f64,
    /// Coefficient of every standardised feature.
    linear: Vec<f64>,
    /// Coefficients of the products of feature `i` with features `i`, `i + 1`, and so on, a row for each `i`.
    pairs: Vec<Vec<f64>>,
}

/// Blocks, width, kernel and squeeze-excite of every stage.
fn features(architecture: &Architecture) -> Vec<f64> {
    let groups = stage_groups(architecture);
    let of = |group: &super::features::Group| [group.log_blocks(), group.width(), group.kernel(), group.gates()];
    groups.iter().flat_map(of).collect()
}

/// Values in standard deviations from the mean; features without variation are 0.
fn standardised(values: &[f64], mean: &[f64], deviation: &[f64]) -> Vec<f64> {
    let one = |((value, mean), deviation): ((&f64, &f64), &f64)| {
        if *deviation > 1e-9 {
            (value - mean) / deviation
        } else {
            0.0
        }
    };
    values.iter().zip(mean).zip(deviation).map(one).collect()
}

/// Products of all pairs, each of them once.
fn products(values: &[f64]) -> impl Iterator<Item = f64> {
    let rows = values.iter().enumerate();
    rows.flat_map(move |(index, one)| values[index..].iter().map(move |other| one * other))
}

impl Interactions {
    /// Fits the model to networks of the benchmark.
    pub fn fit(networks: &[AccelNetwork]) -> Self {
        let raw: Vec<Vec<f64>> = networks.iter().map(|network| features(&network.architecture)).collect();
        let (mean, deviation) = moments(&raw);
        let expanded: Vec<Vec<f64>> = raw
            .iter()
            .map(|row| {
                let row = standardised(row, &mean, &deviation);
                row.iter().copied().chain(products(&row)).collect()
            })
            .collect();
        // Terms are standardised again, so that one prior suits all.
        let (term_mean, term_deviation) = moments(&expanded);
        let terms: Vec<Vec<f64>> = expanded
            .iter()
            .map(|row| standardised(row, &term_mean, &term_deviation))
            .collect();
        let targets: Vec<f64> = networks.iter().map(|network| from_percent(network.top1)).collect();
        let centre = targets.iter().sum::<f64>() / targets.len() as f64;
        let y = DVector::from_iterator(targets.len(), targets.iter().map(|target| target - centre));
        let prior = Prior {
            mean: 0.0,
            deviation: 1.0 / RELATIVE_NOISE,
        };
        let posterior = regress(&matrix(&terms), &y, &vec![prior; term_mean.len()], 1.0);
        let unscaled = |index: usize| {
            let deviation = term_deviation[index];
            if deviation > 1e-9 {
                posterior.mean[index] / deviation
            } else {
                0.0
            }
        };
        let coefficients: Vec<f64> = (0..term_mean.len()).map(unscaled).collect();
        let shift: f64 = coefficients
            .iter()
            .zip(&term_mean)
            .map(|(coefficient, mean)| coefficient * mean)
            .sum();
        let width = mean.len();
        let mut rest = &coefficients[width..];
        let pairs = (0..width).map(|index| {
            let (row, after) = rest.split_at(width - index);
            rest = after;
            row.to_vec()
        });
        let pairs = pairs.collect();
        Self {
            mean,
            deviation,
            constant: centre - shift,
            linear: coefficients[..width].to_vec(),
            pairs,
        }
    }

    /// Top-1 in percent of a network of the benchmark's space with the benchmark's recipe.
    pub fn predict(&self, architecture: &Architecture) -> f64 {
        let values = standardised(&features(architecture), &self.mean, &self.deviation);
        let linear: f64 = self
            .linear
            .iter()
            .zip(&values)
            .map(|(coefficient, value)| coefficient * value)
            .sum();
        let pairs: f64 = self
            .pairs
            .iter()
            .flatten()
            .zip(products(&values))
            .map(|(a, b)| a * b)
            .sum();
        to_percent(self.constant + linear + pairs)
    }

    /// Returns true if the lists have matching lengths.
    pub(super) fn is_complete(&self) -> bool {
        let width = self.mean.len();
        let rows = self
            .pairs
            .iter()
            .enumerate()
            .all(|(index, row)| row.len() + index == width);
        width == 28 && (self.deviation.len(), self.linear.len(), self.pairs.len()) == (width, width, width) && rows
    }

    /// The model with rounded numbers.
    pub(super) fn rounded(mut self, round: impl Fn(f64) -> f64) -> Self {
        let numbers = [&mut self.mean, &mut self.deviation, &mut self.linear];
        let numbers = numbers.into_iter().chain(&mut self.pairs);
        numbers.flatten().for_each(|number| *number = round(*number));
        self.constant = round(self.constant);
        self
    }
}

//! Effects of width, depth, kernels and squeeze-excite in Accel-NASBench.

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use super::accel::AccelNetwork;
use super::algebra::{Prior, matrix, moments, regress};
use super::features::{Aggregates, LEVELS};
use super::range::SUMMARIES;
use super::transform::{NOISE, from_percent};

/// Effects of structure in Accel-NASBench, on the scale of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StructureWeights {
    /// Effect of logarithmic width at every level.
    pub width: Vec<f64>,
    /// Effect of logarithmic depth at every level.
    pub depth: Vec<f64>,
    /// Effect of the logarithm of kernels' sides.
    pub kernel: f64,
    /// Effect of squeeze-excite in all blocks.
    pub squeeze_excite: f64,
}

impl StructureWeights {
    /// Fits the effects to networks of the benchmark.
    pub fn fit(networks: &[AccelNetwork]) -> Self {
        let with_levels = networks.iter().filter_map(|network| {
            let aggregates = Aggregates::of(&network.architecture).ok()?;
            Some((aggregates.structure(), from_percent(network.top1)))
        });
        let (rows, targets): (Vec<Vec<f64>>, Vec<f64>) = with_levels.unzip();
        let (mean, _) = moments(&rows);
        let centre = targets.iter().sum::<f64>() / targets.len() as f64;
        let rows: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect())
            .collect();
        let y = DVector::from_iterator(targets.len(), targets.iter().map(|target| target - centre));
        let prior = Prior {
            mean: 0.0,
            deviation: 1.0,
        };
        let effects = regress(&matrix(&rows), &y, &vec![prior; mean.len()], NOISE).mean;
        Self {
            width: effects.as_slice()[..LEVELS].to_vec(),
            depth: effects.as_slice()[LEVELS..2 * LEVELS].to_vec(),
            kernel: effects[2 * LEVELS],
            squeeze_excite: effects[2 * LEVELS + 1],
        }
    }

    /// Summary features of a network: width and depth as means over levels with the benchmark's effects as weights,
    /// resolution, squeeze-excite, kernel and smooth activations.
    pub(super) fn summarise(&self, aggregates: &Aggregates) -> [f64; SUMMARIES] {
        let mean = |weights: &[f64], values: &[f64]| {
            let sums = weights
                .iter()
                .zip(values)
                .fold((0.0, 0.0), |(sum, total), (weight, value)| {
                    (sum + weight * value, total + weight)
                });
            sums.0 / sums.1
        };
        [
            mean(&self.width, &aggregates.width),
            mean(&self.depth, &aggregates.depth),
            aggregates.resolution,
            aggregates.squeeze_excite,
            aggregates.kernel,
            aggregates.smooth,
        ]
    }
}

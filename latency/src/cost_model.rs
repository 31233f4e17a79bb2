//! Cost model for unmeasured layers, fitted to measured layers.
//!
//! The model has two steps. The first is a roofline-like sum over the layer's operations, in milliseconds: a cost per
//! multiply-add of each kind of convolution, per value of each kind of elementwise operation, per byte of weights and
//! feature maps, and per operation. All coefficients are non-negative, so that it extrapolates sensibly. The second step
//! models the remaining factor by a Gaussian process on the logarithms of the layer's dimensions, which approaches 1 far
//! from the measured layers. Leave-one-out errors provide the uncertainty of both.

mod features;
mod process;

use mnas_space::BlockKey;

use crate::regression;
use features::dimensions;
use process::Process;

/// Maximum number of measurements in the Gaussian process, whose cost is cubic in this number.
const PROCESS_ROWS: usize = 600;

/// Factor on the leave-one-out error of the measured layers. Layers to be predicted differ more from the measured ones than these
/// from each other: on a real device, errors for layers of other widths and resolutions were larger by this factor.
const STRANGER: f64 = 2.0;

/// Model of the latency of unmeasured layers, fitted to measured layers.
#[derive(Debug, Clone)]
pub struct CostModel {
    operations: Vec<f64>,
    process: Option<Process>,
    held_out_error: f64,
}

/// Estimated latency of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Expected latency of the layer alone, in milliseconds.
    pub ms: f64,
    /// Standard deviation of the error, as a share of the latency.
    pub relative_error: f64,
}

impl CostModel {
    /// Fits the model to block keys and latencies in milliseconds; `None` if there are none.
    pub fn fit(measured: &[(BlockKey, f64)]) -> Option<Self> {
        if measured.is_empty() {
            return None;
        }
        // Dividing each row by its time minimises relative errors; otherwise the few slow layers would dominate.
        let rows: Vec<Vec<f64>> = measured
            .iter()
            .map(|(key, ms)| {
                features::operations(&key.graph())
                    .iter()
                    .map(|feature| feature / ms)
                    .collect()
            })
            .collect();
        let operations = regression::non_negative(&rows, &vec![1.0; rows.len()], 1e-6);
        let mut model = Self {
            operations,
            process: None,
            held_out_error: 0.0,
        };
        // Takes evenly spaced rows instead of the first ones, since a table may have been extended for another space.
        let step = measured.len().div_ceil(PROCESS_ROWS);
        let points: Vec<(Vec<f64>, f64)> = measured
            .iter()
            .step_by(step)
            .map(|(key, ms)| (dimensions(key), (ms / model.sum(key)).ln()))
            .collect();
        let alone = (points.iter().map(|(_, residual)| residual.powi(2)).sum::<f64>() / points.len() as f64).sqrt();
        model.process = Process::fit(points).filter(|process| process.held_out_error() < alone);
        model.held_out_error = model.process.as_ref().map_or(alone, Process::held_out_error).max(0.01);
        Some(model)
    }

    /// First step alone, in milliseconds; positive even for a layer whose operations were never measured.
    fn sum(&self, key: &BlockKey) -> f64 {
        let features = features::operations(&key.graph());
        self.operations
            .iter()
            .zip(features)
            .map(|(cost, feature)| cost * feature)
            .sum::<f64>()
            .max(1e-4)
    }

    /// Estimates the latency of a layer alone.
    pub fn estimate(&self, key: &BlockKey) -> Estimate {
        let sum = self.sum(key);
        match &self.process {
            None => Estimate {
                ms: sum,
                relative_error: STRANGER * self.held_out_error,
            },
            Some(process) => {
                let (log_factor, deviation) = process.at(&dimensions(key));
                Estimate {
                    ms: sum * log_factor.exp(),
                    relative_error: STRANGER * deviation.max(0.01),
                }
            }
        }
    }

    /// Root mean square of the leave-one-out relative errors on the measured layers.
    pub fn held_out_error(&self) -> f64 {
        self.held_out_error
    }
}

#[cfg(test)]
mod tests;

//! Layers that were not measured: a cost model fitted on those that were.
//!
//! Two steps. First a roofline-like sum over the layer's operations, in milliseconds: so much per multiply-add of each
//! kind of convolution, per value passed through each kind of elementwise operation, per byte of weights and feature
//! maps, per operation, all coefficients non-negative, so that it extrapolates sensibly. Then what that leaves
//! unexplained, as a factor: a Gaussian process on the logarithms of the layer's dimensions, which falls back to the
//! first step far from anything measured. How far either can be trusted is found by leaving measurements out.

mod features;
mod process;

use mnas_space::BlockKey;

use crate::regression;
use features::dimensions;
use process::Process;

/// At most this many measurements fit the Gaussian process, whose cost grows with their cube.
const PROCESS_ROWS: usize = 600;

/// Layers that are asked for later differ more from the measured ones than these from one another: on a real device
/// the errors of layers of other widths and resolutions were this many times those of layers left out.
const STRANGER: f64 = 2.0;

/// Model of the latency of unmeasured layers, fitted to measured ones.
#[derive(Debug, Clone)]
pub struct CostModel {
    operations: Vec<f64>,
    process: Option<Process>,
    held_out_error: f64,
}

/// A cost model's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Expected latency of the layer alone.
    pub ms: f64,
    /// Standard deviation of the error, as a share of the latency.
    pub relative_error: f64,
}

impl CostModel {
    /// Fits measured layers `(key, milliseconds)`; `None` if there are none.
    pub fn fit(measured: &[(BlockKey, f64)]) -> Option<Self> {
        if measured.is_empty() {
            return None;
        }
        // Dividing each row by its time makes relative errors count, not those of the few slow layers.
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
        // A stride through the rows, not their head, where a table was extended for another space.
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

    /// The first step alone; positive even for a layer of operations that were never measured.
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

    /// Root mean square of the relative error on measured layers that took no part in predicting themselves.
    pub fn held_out_error(&self) -> f64 {
        self.held_out_error
    }
}

#[cfg(test)]
mod tests;

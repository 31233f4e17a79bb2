//! Costs that are known when a network is proposed.

use std::cell::RefCell;

use mnas_latency::Prediction;
use mnas_space::{Architecture, Cost, Counter};
use serde::{Deserialize, Serialize};

use super::{Metric, Problem};

/// Bytes of a weight, a 32-bit float.
const WEIGHT_BYTES: u64 = 4;

/// Costs of a network that need no evaluation: predicted latency on every device of a problem, and exact counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Predicted latency on each device, in the problem's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latency: Vec<Prediction>,
    /// Learnt parameters, batch-norm unfolded.
    pub params: u64,
    /// Multiply-adds of one image.
    pub macs: u64,
    /// Peak activation memory of one image, in bytes.
    pub peak_activation_bytes: u64,
    /// Size of the deployed weights as 32-bit floats with batch-norm folded, in bytes.
    pub file_bytes: u64,
}

thread_local! {
    /// Cache of the counts of layers, shared by all problems because counts depend on the layers alone.
    static COUNTER: RefCell<Counter> = RefCell::default();
}

fn count(architecture: &Architecture) -> Cost {
    COUNTER.with_borrow_mut(|counter| counter.count(architecture))
}

/// Costs of a network that are computed when they are read, for networks of which few are of interest.
#[derive(Debug)]
pub struct CostsOnDemand<'a> {
    problem: &'a Problem,
    architecture: &'a Architecture,
    counted: Option<Cost>,
}

impl<'a> CostsOnDemand<'a> {
    /// Costs of a network, none computed yet.
    pub fn new(problem: &'a Problem, architecture: &'a Architecture) -> Self {
        Self {
            problem,
            architecture,
            counted: None,
        }
    }

    /// The value of a metric, as [`Costs::value`] gives it.
    pub fn value(&mut self, metric: Metric) -> Option<f64> {
        let architecture = self.architecture;
        let mut counted = || *self.counted.get_or_insert_with(|| count(architecture));
        match metric {
            Metric::Accuracy => None,
            Metric::Latency(device) => {
                let device = self.problem.devices.get(device)?;
                Some(device.latency.latency(architecture).0)
            }
            Metric::Macs => Some(counted().macs as f64),
            Metric::Params => Some(counted().params as f64),
            Metric::PeakActivationBytes => Some(counted().peak_activation_bytes as f64),
            Metric::FileBytes => Some((WEIGHT_BYTES * counted().folded_params) as f64),
        }
    }
}

impl Costs {
    /// Counts a network; `latency` holds its predictions.
    pub fn of(architecture: &Architecture, latency: Vec<Prediction>) -> Self {
        let counted = count(architecture);
        Self {
            latency,
            params: counted.params,
            macs: counted.macs,
            peak_activation_bytes: counted.peak_activation_bytes,
            file_bytes: WEIGHT_BYTES * counted.folded_params,
        }
    }

    /// The value of a metric; `None` for accuracy, and for the latency on a device without prediction.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Accuracy => None,
            Metric::Latency(device) => self.latency.get(device).map(|prediction| prediction.latency.0),
            Metric::Macs => Some(self.macs as f64),
            Metric::Params => Some(self.params as f64),
            Metric::PeakActivationBytes => Some(self.peak_activation_bytes as f64),
            Metric::FileBytes => Some(self.file_bytes as f64),
        }
    }

    /// The costs with latencies measured on devices in place of the predicted ones.
    #[must_use]
    pub fn with_measured(&self, measured_ms: &[Option<f64>]) -> Self {
        let mut costs = self.clone();
        for (prediction, measured) in costs.latency.iter_mut().zip(measured_ms) {
            if let Some(measured) = measured {
                prediction.latency.0 = *measured;
                prediction.low.0 = *measured;
                prediction.high.0 = *measured;
            }
        }
        costs
    }
}

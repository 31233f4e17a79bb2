//! Prediction of latencies from an unchanging table.

use std::path::Path;

use mnas_space::{Architecture, BlockKey};

use crate::duration::Milliseconds;
use crate::error::LatencyError;
use crate::predict::{Prediction, Predictor};
use crate::table::LatencyTable;

/// Predictor of latencies from a table that no longer changes.
#[derive(Debug)]
pub struct LatencyModel {
    predictor: Predictor,
}

impl LatencyModel {
    /// Loads the table in `folder` and fits the predictor to it.
    pub fn load(folder: &Path) -> Result<Self, LatencyError> {
        Self::of(&LatencyTable::load(folder)?)
    }

    /// Fits the predictor to a table.
    pub fn of(table: &LatencyTable) -> Result<Self, LatencyError> {
        Ok(Self {
            predictor: Predictor::fit(table)?,
        })
    }

    /// Predicts the latency of a network; the cost model estimates unmeasured layers.
    pub fn predict(&self, architecture: &Architecture) -> Prediction {
        self.predictor.estimate(architecture)
    }

    /// Expected latency of [`LatencyModel::predict`] without its interval.
    pub fn latency(&self, architecture: &Architecture) -> Milliseconds {
        self.predictor.latency(architecture)
    }

    /// [`LatencyModel::predict`] where the latency is at most `bound`, else the latency that exceeds it.
    pub fn predict_within(&self, architecture: &Architecture, bound: Milliseconds) -> Result<Prediction, Milliseconds> {
        self.predictor.estimate_within(architecture, bound)
    }

    /// Expected latency that a layer adds to a network, in milliseconds.
    pub fn layer_share_ms(&self, key: &BlockKey) -> f64 {
        self.predictor.layer_share_ms(key)
    }
}

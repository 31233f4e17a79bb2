//! Prediction of latencies from a frozen table.

use std::path::Path;

use mnas_space::{Architecture, BlockKey};

use crate::duration::Milliseconds;
use crate::error::LatencyError;
use crate::predict::{Prediction, Predictor};
use crate::table::LatencyTable;

/// Predicts latencies from a table that does not change any more.
#[derive(Debug)]
pub struct LatencyModel {
    predictor: Predictor,
}

impl LatencyModel {
    /// Fits the table in `folder`.
    pub fn load(folder: &Path) -> Result<Self, LatencyError> {
        Self::of(&LatencyTable::load(folder)?)
    }

    /// Fits a table.
    pub fn of(table: &LatencyTable) -> Result<Self, LatencyError> {
        Ok(Self {
            predictor: Predictor::fit(table)?,
        })
    }

    /// The latency of a network; unmeasured layers are predicted.
    pub fn predict(&self, architecture: &Architecture) -> Prediction {
        self.predictor.estimate(architecture)
    }

    /// The expected latency of [`LatencyModel::predict`] without its interval, in half the time.
    pub fn latency(&self, architecture: &Architecture) -> Milliseconds {
        self.predictor.latency(architecture)
    }

    /// [`LatencyModel::predict`] where the latency is at most `bound`, else the latency that exceeds it.
    pub fn predict_within(&self, architecture: &Architecture, bound: Milliseconds) -> Result<Prediction, Milliseconds> {
        self.predictor.estimate_within(architecture, bound)
    }

    /// The latency that a layer is expected to add to a network, in milliseconds.
    pub fn layer_share_ms(&self, key: &BlockKey) -> f64 {
        self.predictor.layer_share_ms(key)
    }
}

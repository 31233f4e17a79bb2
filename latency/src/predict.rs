//! Prediction of a network's latency from a table.

use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};

use mnas_space::{Architecture, BlockKey};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::calibrate::{Calibration, CalibrationReport, LayerFacts, Terms};
use crate::cost_model::CostModel;
use crate::duration::{Milliseconds, plain_ms};
use crate::error::LatencyError;
use crate::table::LatencyTable;
use crate::work_model::WorkModel;

/// Treatment of layers that are not in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingKeys {
    /// Estimate them with the cost model, and widen the interval.
    #[default]
    Predict,
    /// Return an error instead of a prediction.
    Refuse,
}

/// Predicted latency of a network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Expected median latency of the network.
    #[serde(rename = "latency_ms", with = "plain_ms")]
    pub latency: Milliseconds,
    /// Lower bound of the 80 % prediction interval: it contains the measured median for eight networks in ten.
    #[serde(rename = "low_ms", with = "plain_ms")]
    pub low: Milliseconds,
    /// Upper bound of the 80 % prediction interval.
    #[serde(rename = "high_ms", with = "plain_ms")]
    pub high: Milliseconds,
    /// Share of the network's layers that are in the table.
    pub coverage: f64,
}

/// Half-width of the interval in standard deviations: 80 % of a normal distribution.
const INTERVAL: f64 = 1.2816;

/// Correlation of the cost model's errors on the layers of one network.
const COMMON_ERROR: f64 = 0.3;

/// Maximum number of cached estimates for unmeasured layers.
const CACHED: usize = 200_000;

#[derive(Debug, Clone, Copy)]
struct LayerCost {
    ms: f64,
    facts: LayerFacts,
    /// Standard deviation of the relative error; 0 for a measured layer.
    relative_error: f64,
}

/// Predictor of latencies on the device of one table. Threads can share it.
#[derive(Debug)]
pub struct Predictor {
    /// Costs of measured layers, and of unmeasured ones met before.
    layers: RwLock<FxHashMap<BlockKey, LayerCost>>,
    rows: Vec<(BlockKey, f64)>,
    /// Model for a table of published figures; `None` for other tables, whose unmeasured layers the cost model estimates.
    work_model: Option<WorkModel>,
    cost_model: OnceLock<CostModel>,
    calibration: Calibration,
}

impl Predictor {
    /// Fits a predictor to a table, calibrated with its whole networks. Deterministic for a given table.
    ///
    /// It is an error if the table has no measured layers.
    pub fn fit(table: &LatencyTable) -> Result<Self, LatencyError> {
        Self::fit_without(table, &|_| false)
    }

    /// Like [`Predictor::fit`], but without the networks for which `left_out` is true, for validation.
    pub fn fit_without(table: &LatencyTable, left_out: &dyn Fn(&Architecture) -> bool) -> Result<Self, LatencyError> {
        if table.is_empty() {
            return Err(LatencyError::EmptyTable);
        }
        let rows: Vec<(BlockKey, f64)> = table.layers().map(|(key, row)| (*key, row.median_ms)).collect();
        let cost = |(key, ms): &(BlockKey, f64)| {
            (
                *key,
                LayerCost {
                    ms: *ms,
                    facts: LayerFacts::of(key),
                    relative_error: 0.0,
                },
            )
        };
        let mut predictor = Self {
            layers: RwLock::new(rows.iter().map(cost).collect()),
            rows,
            work_model: None,
            cost_model: OnceLock::new(),
            calibration: Calibration::fit(&[]),
        };
        if table.header().published.is_some() {
            predictor.fit_work(table, left_out);
            return Ok(predictor);
        }
        let networks = table.networks().iter().filter(|(network, _)| !left_out(network));
        let networks: Vec<(&Architecture, f64)> = networks.map(|(network, row)| (network, row.median_ms)).collect();
        predictor.calibrate(&networks);
        Ok(predictor)
    }

    fn calibrate(&mut self, networks: &[(&Architecture, f64)]) {
        let terms = networks.iter().map(|(network, ms)| (self.sum(network).terms, *ms));
        self.calibration = Calibration::fit(&terms.collect::<Vec<_>>());
    }

    /// Fits the work model to published figures: layers and networks jointly. A network is the sum of its layers in that model.
    fn fit_work(&mut self, table: &LatencyTable, left_out: &dyn Fn(&Architecture) -> bool) {
        let networks = table.networks().iter().filter(|(network, _)| !left_out(network));
        let networks: Vec<(&Architecture, f64)> = networks.map(|(network, row)| (network, row.median_ms)).collect();
        let model = WorkModel::fit(&self.rows, &networks);
        let layers = self.layers.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (key, cost) in layers {
            cost.ms = model.estimate(key).ms;
        }
        self.calibration = Calibration::plain(model.network_errors());
        self.work_model = Some(model);
    }

    /// Predicts the latency of a network.
    ///
    /// With [`MissingKeys::Refuse`], it is an error if the table lacks a layer of the network.
    pub fn predict(&self, architecture: &Architecture, missing: MissingKeys) -> Result<Prediction, LatencyError> {
        let sum = self.sum(architecture);
        if missing == MissingKeys::Refuse && sum.missing > 0 {
            let mut keys = architecture.layers().map(|layer| layer.key);
            let first = keys.find(|key| !key.is_nothing() && self.layer_cost(key).relative_error > 0.0);
            let first = first.map(|key| key.to_string()).unwrap_or_default();
            return Err(LatencyError::MissingKeys {
                count: sum.missing,
                first,
            });
        }
        Ok(self.prediction(&sum))
    }

    fn prediction(&self, sum: &LayerSum) -> Prediction {
        let (ms, calibration_error) = self.calibration.apply(&sum.terms);
        let total = sum.terms.sum_ms().max(f64::MIN_POSITIVE);
        let missing =
            COMMON_ERROR * (sum.error_ms / total).powi(2) + (1.0 - COMMON_ERROR) * sum.error_ms2 / total.powi(2);
        let error = INTERVAL * (calibration_error.powi(2) + missing).sqrt();
        Prediction {
            latency: Milliseconds(ms),
            low: Milliseconds(ms * (-error).exp()),
            high: Milliseconds(ms * error.exp()),
            coverage: if sum.layers == 0 {
                1.0
            } else {
                1.0 - sum.missing as f64 / sum.layers as f64
            },
        }
    }

    /// Predicts the latency of a network with [`MissingKeys::Predict`], which cannot fail.
    pub fn estimate(&self, architecture: &Architecture) -> Prediction {
        self.prediction(&self.sum(architecture))
    }

    /// The expected latency of [`Predictor::estimate`] without its interval.
    pub fn latency(&self, architecture: &Architecture) -> Milliseconds {
        Milliseconds(self.calibration.ms(&self.sum(architecture).terms))
    }

    /// [`Predictor::estimate`] where the latency is at most `bound`, else the latency that exceeds it.
    pub fn estimate_within(
        &self,
        architecture: &Architecture,
        bound: Milliseconds,
    ) -> Result<Prediction, Milliseconds> {
        let sum = self.sum(architecture);
        let latency = Milliseconds(self.calibration.ms(&sum.terms));
        if latency.0 > bound.0 {
            return Err(latency);
        }
        Ok(self.prediction(&sum))
    }

    /// Latency that one layer adds to a network's prediction, in milliseconds.
    ///
    /// The shares of a network's layers add up to its prediction, so that the fastest network of a space can be found layer by layer. The
    /// exception is the cost of weights beyond the caches, which is not part of any share. A share may be slightly negative, if the
    /// calibration subtracts more from a small layer than it costs alone.
    pub fn layer_share_ms(&self, key: &BlockKey) -> f64 {
        if key.is_nothing() {
            return 0.0;
        }
        let mut terms = Terms::default();
        let cost = self.layer_cost(key);
        terms.add(cost.ms, cost.facts);
        self.calibration.share(&terms)
    }

    /// Report of the calibration that turns a sum of layers into a latency.
    pub fn calibration(&self) -> &CalibrationReport {
        self.calibration.report()
    }

    /// Cost model for unmeasured layers, fitted on first use.
    ///
    /// # Panics
    /// Never: a predictor is created only from a table with rows.
    pub fn cost_model(&self) -> &CostModel {
        self.cost_model
            .get_or_init(|| CostModel::fit(&self.rows).expect("a predictor has at least one measured layer"))
    }

    fn sum(&self, architecture: &Architecture) -> LayerSum {
        let mut sum = LayerSum::default();
        // One lock for a network: threads would spend more time on one for each layer than on the layers.
        let mut known = self.known();
        for layer in architecture.layers() {
            match known.get(&layer.key) {
                Some(cost) => sum.add(cost),
                None if layer.key.is_nothing() => {}
                None => {
                    drop(known);
                    sum.add(&self.estimate_layer(&layer.key));
                    known = self.known();
                }
            }
        }
        sum
    }

    fn known(&self) -> RwLockReadGuard<'_, FxHashMap<BlockKey, LayerCost>> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn layer_cost(&self, key: &BlockKey) -> LayerCost {
        let known = self.known().get(key).copied();
        known.unwrap_or_else(|| self.estimate_layer(key))
    }

    /// The cost of an unmeasured layer, which is kept.
    fn estimate_layer(&self, key: &BlockKey) -> LayerCost {
        let estimate = match &self.work_model {
            Some(model) => model.estimate(key),
            None => self.cost_model().estimate(key),
        };
        let cost = LayerCost {
            ms: estimate.ms,
            facts: LayerFacts::of(key),
            relative_error: estimate.relative_error,
        };
        let mut known = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < self.rows.len() + CACHED {
            known.insert(*key, cost);
        }
        cost
    }
}

#[derive(Debug, Default)]
struct LayerSum {
    terms: Terms,
    layers: usize,
    missing: usize,
    /// Sum of the unmeasured layers' errors in milliseconds.
    error_ms: f64,
    /// Sum of the squares of these errors.
    error_ms2: f64,
}

impl LayerSum {
    fn add(&mut self, cost: &LayerCost) {
        self.terms.add(cost.ms, cost.facts);
        self.layers += 1;
        if cost.relative_error > 0.0 {
            let error_ms = cost.relative_error * cost.ms;
            self.missing += 1;
            self.error_ms += error_ms;
            self.error_ms2 += error_ms * error_ms;
        }
    }
}

#[cfg(test)]
mod tests;

//! The latency side of a study: a table good enough for its space and budget, frozen before the first trial.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use mnas_latency::{
    LatencyError, LatencyTable, Prediction, Predictor, ProfileEvent, ProfileOptions, Runtime, StopReason, profile,
};
use mnas_space::{Architecture, BlockKey, Candidate, SearchSpace};

use super::coordinator::StudyError;
use crate::files;
use crate::random::stream;

/// Predicts latencies from a study's frozen table.
#[derive(Debug)]
pub struct LatencyModel {
    predictor: Predictor,
}

impl LatencyModel {
    /// Fits the table in `folder`.
    pub fn load(folder: &Path) -> Result<Self, LatencyError> {
        Ok(Self {
            predictor: Predictor::fit(&LatencyTable::load(folder)?)?,
        })
    }

    /// The latency of a network; unmeasured layers are predicted.
    pub fn predict(&self, architecture: &Architecture) -> Prediction {
        self.predictor.estimate(architecture)
    }

    /// The network of the space with the least predicted latency, and that latency.
    pub fn fastest(&self, space: &SearchSpace, classes: u32) -> (Candidate, Prediction) {
        fastest(&self.predictor, space, classes)
    }

    /// The network of one of the space's families with the least predicted latency, and that latency.
    pub fn fastest_of_family(&self, space: &SearchSpace, family: usize, classes: u32) -> (Candidate, Prediction) {
        let fastest = space.cheapest_of_family(family, classes, &mut |key| self.predictor.layer_share_ms(key));
        let prediction = self.predict(&fastest.architecture);
        (fastest, prediction)
    }
}

/// The network of the space with the least predicted latency, and that latency.
pub fn fastest(predictor: &Predictor, space: &SearchSpace, classes: u32) -> (Candidate, Prediction) {
    let candidate = space.cheapest(classes, &mut |key| predictor.layer_share_ms(key));
    let prediction = predictor.estimate(&candidate.architecture);
    (candidate, prediction)
}

/// What a table has to be good for.
#[derive(Debug, Clone, Copy)]
pub struct Purpose<'a> {
    /// The space.
    pub space: &'a SearchSpace,
    /// Classes of the deployed networks.
    pub classes: u32,
    /// The budget around which predictions matter most; `None` for all of the space alike.
    pub budget_ms: Option<f64>,
    /// Decides which networks are drawn.
    pub seed: u64,
}

/// Networks drawn to find out which layers a search will ask for.
const DRAWS: usize = 4_000;

/// Random networks measured whole, beside two of each reference.
const CALIBRATION_DRAWS: usize = 8;

/// Fills `table` for a purpose: the layers of networks to calibrate with first, then those of the fastest network, then
/// those of random networks around the budget until `time` is used. Returns false when cancelled. Nothing is measured for
/// a table of published figures.
pub fn fill_table(
    table: &mut LatencyTable,
    runtime: &mut dyn Runtime,
    purpose: Purpose<'_>,
    options: &ProfileOptions,
    time: Duration,
    cancel: &AtomicBool,
    observer: &mut dyn FnMut(ProfileEvent<'_>),
) -> Result<bool, LatencyError> {
    if table.header().published.is_some() {
        return Ok(true);
    }
    let started = Instant::now();
    let networks = calibration_networks(purpose);
    let keys = networks
        .iter()
        .flat_map(|network| network.layers().map(|layer| layer.key));
    let keys: Vec<BlockKey> = keys.collect();
    if profile(runtime, table, keys, &networks, options, cancel, observer)?.stop == StopReason::Cancelled {
        return Ok(false);
    }
    // The fastest network decides whether the budget can be met: it is measured, not guessed.
    for _ in 0..3 {
        let (candidate, prediction) = fastest(&Predictor::fit(table)?, purpose.space, purpose.classes);
        if prediction.coverage >= 1.0 {
            break;
        }
        let keys: Vec<BlockKey> = candidate.architecture.layers().map(|layer| layer.key).collect();
        let network = [candidate.architecture];
        if profile(runtime, table, keys, &network, options, cancel, observer)?.stop == StopReason::Cancelled {
            return Ok(false);
        }
    }
    let left = time.saturating_sub(started.elapsed());
    let keys = wanted_keys(&Predictor::fit(table)?, purpose, table);
    if left.is_zero() || keys.is_empty() {
        return Ok(true);
    }
    let options = ProfileOptions {
        time_cap: Some(left),
        ..options.clone()
    };
    let report = profile(runtime, table, keys, &[], &options, cancel, observer)?;
    Ok(report.stop != StopReason::Cancelled)
}

/// The whole networks that a table is calibrated with: two points of each reference, a smaller and a larger one, and a
/// few random networks.
pub fn calibration_networks(purpose: Purpose<'_>) -> Vec<Architecture> {
    let mut networks = Vec::new();
    for points in &purpose.space.references {
        let mut grid: Vec<Architecture> = points
            .widths
            .iter()
            .flat_map(|&width| points.resolutions.iter().map(move |&resolution| (width, resolution)))
            .filter_map(|(width, resolution)| points.reference.architecture(width, resolution, purpose.classes).ok())
            .map(|network| network.without_early_strides(purpose.space.early_strides_removed))
            .collect();
        grid.sort_by_key(|network| network.cost().macs);
        let quarter = grid.len() / 4;
        networks.extend([quarter, grid.len() - 1 - quarter].map(|index| grid[index].clone()));
    }
    let mut rng = stream(purpose.seed, "calibration", 0, 0);
    networks.extend(
        (0..CALIBRATION_DRAWS).map(|_| purpose.space.express(&purpose.space.sample(&mut rng), purpose.classes)),
    );
    let mut seen = BTreeSet::new();
    networks.retain(|network| seen.insert(network.id()));
    networks
}

/// Layers that a search is likely to ask for and the table lacks, of networks around the budget.
fn wanted_keys(predictor: &Predictor, purpose: Purpose<'_>, table: &LatencyTable) -> Vec<BlockKey> {
    let Some(budget_ms) = purpose.budget_ms else {
        return purpose.space.block_keys(purpose.classes).into_iter().collect();
    };
    let mut rng = stream(purpose.seed, "profile", 0, 0);
    let mut keys = BTreeSet::new();
    for _ in 0..DRAWS {
        let network = purpose.space.express(&purpose.space.sample(&mut rng), purpose.classes);
        let near = predictor.estimate(&network).latency.0 <= 1.25 * budget_ms;
        if near {
            keys.extend(
                network
                    .layers()
                    .map(|layer| layer.key)
                    .filter(|key| table.get(key).is_none()),
            );
        }
    }
    keys.into_iter().collect()
}

/// Copies a table's files, so that later measurements do not change what a study was decided by.
pub fn freeze(table: &LatencyTable, into: &Path) -> Result<(), StudyError> {
    files::create_folder(into)?;
    for (name, content) in table.files()? {
        files::write_atomically(&into.join(name), &content)?;
    }
    Ok(())
}

//! Layers to measure for a search space.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use mnas_latency::{
    LatencyError, LatencyTable, Prediction, Predictor, ProfileEvent, ProfileOptions, Runtime, StopReason, Witness,
    profile,
};
use mnas_space::{Architecture, BlockKey, Candidate, Reference, ReferencePoints, SearchSpace};

use mnas_engine::random::stream;

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

/// The share of the layers in random networks that are measured before the rest.
const COMMON: f64 = 0.8;

/// Networks drawn to find out which layers a search will ask for.
const DRAWS: usize = 4_000;

/// What filling a table came to.
#[derive(Debug, Clone, Default)]
pub struct Filled {
    /// Whether it was not cancelled.
    pub complete: bool,
    /// The networks measured beside those of the table.
    pub witnesses: Vec<Witness>,
}

/// Fills `table` for a purpose within about `time`: the layers of networks to calibrate with first, then those of the fastest
/// network and of random networks around the budget; without a budget those of the whole space. The options' witnesses
/// are measured beside the first of them. Nothing is measured for
/// a table of published figures, or with the layers of another device.
pub fn fill_table(
    table: &mut LatencyTable,
    runtime: &mut dyn Runtime,
    purpose: Purpose<'_>,
    options: &ProfileOptions,
    time: Duration,
    cancel: &AtomicBool,
    observer: &mut dyn FnMut(ProfileEvent<'_>),
) -> Result<Filled, LatencyError> {
    let complete = |witnesses| Filled {
        complete: true,
        witnesses,
    };
    if table.header().published.is_some() || table.header().layers_of.is_some() {
        return Ok(complete(Vec::new()));
    }
    let started = Instant::now();
    let networks = calibration_networks(purpose, options.calibration_draws);
    let (keys, first): (Vec<BlockKey>, ProfileOptions) = if purpose.budget_ms.is_some() {
        let keys = networks
            .iter()
            .flat_map(|network| network.layers().map(|layer| layer.key));
        (keys.collect(), options.clone())
    } else {
        let capped = ProfileOptions {
            time_cap: Some(time),
            common: common_keys(purpose),
            ..options.clone()
        };
        (purpose.space.block_keys(purpose.classes).into_iter().collect(), capped)
    };
    let report = profile(runtime, table, keys, &networks, &first, cancel, observer)?;
    if report.stop == StopReason::Cancelled {
        return Ok(Filled::default());
    }
    let witnesses = report.witnesses;
    let options = &ProfileOptions {
        witnesses: Vec::new(),
        ..options.clone()
    };
    // The fastest network decides whether the budget can be met: it is measured, not guessed.
    for _ in 0..3 {
        let (candidate, prediction) = fastest(&Predictor::fit(table)?, purpose.space, purpose.classes);
        if prediction.coverage >= 1.0 {
            break;
        }
        let keys: Vec<BlockKey> = candidate.architecture.layers().map(|layer| layer.key).collect();
        let network = [candidate.architecture];
        if profile(runtime, table, keys, &network, options, cancel, observer)?.stop == StopReason::Cancelled {
            return Ok(Filled::default());
        }
    }
    let left = time.saturating_sub(started.elapsed());
    let Some(budget_ms) = purpose.budget_ms.filter(|_| !left.is_zero()) else {
        return Ok(complete(witnesses));
    };
    let keys = wanted_keys(&Predictor::fit(table)?, purpose, budget_ms, table);
    let last = ProfileOptions {
        time_cap: Some(left),
        ..options.clone()
    };
    let report = profile(runtime, table, keys, &[], &last, cancel, observer)?;
    Ok(Filled {
        complete: report.stop != StopReason::Cancelled,
        witnesses,
    })
}

/// The whole networks that a table is calibrated with: two points of each reference, a smaller and a larger one, and a
/// `draws` random networks.
pub fn calibration_networks(purpose: Purpose<'_>, draws: usize) -> Vec<Architecture> {
    let mut networks = Vec::new();
    for points in &purpose.space.references {
        let mut grid = reference_points(purpose, points);
        grid.sort_by_key(|point| point.network.cost().macs);
        let quarter = grid.len() / 4;
        networks.extend([quarter, grid.len() - 1 - quarter].map(|index| grid[index].network.clone()));
    }
    networks.extend(random_networks(purpose, "calibration", draws));
    distinct(networks)
}

/// Networks to judge a table by: `draws` random ones, and every reference of the space at its published widths and
/// resolutions.
pub fn validation_networks(purpose: Purpose<'_>, draws: usize) -> Vec<Architecture> {
    let mut networks = random_networks(purpose, "validation", draws);
    let points = purpose.space.references.iter();
    networks.extend(
        points
            .flat_map(|points| reference_points(purpose, points))
            .map(|point| point.network),
    );
    distinct(networks)
}

/// A reference of a space at one width and resolution.
#[derive(Debug, Clone)]
pub struct ReferencePoint<'a> {
    /// The reference.
    pub reference: &'a Reference,
    /// Width multiplier.
    pub width: f64,
    /// Input side in pixels.
    pub resolution: u32,
    /// The network, as it is in the space.
    pub network: Architecture,
}

/// A reference at all widths and resolutions that the space covers.
pub fn reference_points<'a>(purpose: Purpose<'_>, points: &'a ReferencePoints) -> Vec<ReferencePoint<'a>> {
    let places = points
        .widths
        .iter()
        .flat_map(|&width| points.resolutions.iter().map(move |&resolution| (width, resolution)));
    let point = |(width, resolution)| {
        let network = points.reference.architecture(width, resolution, purpose.classes).ok()?;
        Some(ReferencePoint {
            reference: &points.reference,
            width,
            resolution,
            network: network.without_early_strides(purpose.space.early_strides_removed),
        })
    };
    places.filter_map(point).collect()
}

fn random_networks(purpose: Purpose<'_>, what: &str, draws: usize) -> Vec<Architecture> {
    let mut rng = stream(purpose.seed, what, 0, 0);
    (0..draws)
        .map(|_| purpose.space.express(&purpose.space.sample(&mut rng), purpose.classes))
        .collect()
}

fn distinct(mut networks: Vec<Architecture>) -> Vec<Architecture> {
    let mut seen = BTreeSet::new();
    networks.retain(|network| seen.insert(network.id()));
    networks
}

/// The layers that most of the space's networks are made of: the most frequent ones that make up [`COMMON`] of all in random
/// networks.
fn common_keys(purpose: Purpose<'_>) -> HashSet<BlockKey> {
    let mut counts: BTreeMap<BlockKey, usize> = BTreeMap::new();
    for network in random_networks(purpose, "profile", DRAWS) {
        for layer in network.layers() {
            *counts.entry(layer.key).or_default() += 1;
        }
    }
    let all: usize = counts.values().sum();
    let mut counts: Vec<(BlockKey, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let mut left = COMMON * all as f64;
    let wanted = counts.into_iter().take_while(|(_, count)| {
        let is_wanted = left > 0.0;
        left -= *count as f64;
        is_wanted
    });
    wanted.map(|(key, _)| key).collect()
}

/// Layers that a search is likely to ask for and the table lacks, of networks around the budget.
fn wanted_keys(predictor: &Predictor, purpose: Purpose<'_>, budget_ms: f64, table: &LatencyTable) -> Vec<BlockKey> {
    let mut keys = BTreeSet::new();
    for network in random_networks(purpose, "profile", DRAWS) {
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

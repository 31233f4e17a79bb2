//! Selection and measurement of the layers and networks that a search space needs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use mnas_space::random::stream;
use mnas_space::{Architecture, BlockKey, Candidate, SearchSpace};

use crate::error::LatencyError;
use crate::predict::{Prediction, Predictor};
use crate::profile::{MeasuredNetwork, ProfileEvent, ProfileOptions, StopReason, profile};
use crate::runtime::Runtime;
use crate::table::LatencyTable;

/// Purpose of a table: a search space, and the latencies that matter most.
#[derive(Debug, Clone, Copy)]
pub struct Purpose<'a> {
    /// Space whose networks are predicted.
    pub space: &'a SearchSpace,
    /// Number of classes of the deployed networks.
    pub classes: u32,
    /// Budget in milliseconds around which predictions matter most; `None` if the whole space matters equally.
    pub budget_ms: Option<f64>,
    /// Seed of the random networks.
    pub seed: u64,
}

/// Share of the layers of random networks that the common layers make up.
const COMMON: f64 = 0.8;

/// Number of random networks drawn to find the layers that a search will need.
const DRAWS: usize = 4_000;

/// Maximum number of rounds that measure the layers of the currently fastest network.
const FASTEST_ROUNDS: usize = 3;

/// Result of filling a table.
#[derive(Debug, Clone, Default)]
pub struct Filled {
    /// True unless it was cancelled.
    pub complete: bool,
    /// Measurements of the options' validation networks, which are not in the table.
    pub validation: Vec<MeasuredNetwork>,
}

/// Network of the space with the lowest predicted latency, and its prediction.
pub fn fastest(predictor: &Predictor, space: &SearchSpace, classes: u32) -> (Candidate, Prediction) {
    let candidate = space.cheapest(classes, &mut |key| predictor.layer_share_ms(key));
    let prediction = predictor.estimate(&candidate.architecture);
    (candidate, prediction)
}

/// Fills `table` for a purpose within about `time`. With a budget, measures the layers of the calibration networks, then those of the
/// fastest network and of random networks around the budget; without a budget, measures the layers of the whole space. The options'
/// validation networks are measured in the first step. A table with published figures, or with the layers of another device, does not
/// change.
pub fn fill_table(
    table: &mut LatencyTable,
    runtime: &mut dyn Runtime,
    purpose: Purpose<'_>,
    options: &ProfileOptions,
    time: Duration,
    cancel: &AtomicBool,
    observer: &mut dyn FnMut(ProfileEvent<'_>),
) -> Result<Filled, LatencyError> {
    let complete = |validation| Filled {
        complete: true,
        validation,
    };
    if table.header().published.is_some() || table.header().layers_of.is_some() {
        return Ok(complete(Vec::new()));
    }
    let started = Instant::now();
    let networks = calibration_networks(purpose, options.calibration_draws);
    let (keys, first) = first_keys(purpose, &networks, options, time);
    let report = profile(runtime, table, keys, &networks, &first, cancel, observer)?;
    if report.stop == StopReason::Cancelled {
        return Ok(Filled::default());
    }
    let validation = report.validation;
    let options = &ProfileOptions {
        validation: Vec::new(),
        ..options.clone()
    };
    // The fastest network determines whether the budget can be met, so it must be measured instead of predicted.
    for _ in 0..FASTEST_ROUNDS {
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
        return Ok(complete(validation));
    };
    let keys = keys_near(&Predictor::fit(table)?, purpose, budget_ms, table);
    let last = ProfileOptions {
        time_cap: Some(left),
        ..options.clone()
    };
    let report = profile(runtime, table, keys, &[], &last, cancel, observer)?;
    Ok(Filled {
        complete: report.stop != StopReason::Cancelled,
        validation,
    })
}

/// Layers and options of the first profile: with a budget the layers of the calibration networks, otherwise all layers of the space,
/// the common ones first.
fn first_keys(
    purpose: Purpose<'_>,
    networks: &[Architecture],
    options: &ProfileOptions,
    time: Duration,
) -> (Vec<BlockKey>, ProfileOptions) {
    if purpose.budget_ms.is_some() {
        let keys = networks
            .iter()
            .flat_map(|network| network.layers().map(|layer| layer.key));
        return (keys.collect(), options.clone());
    }
    let capped = ProfileOptions {
        time_cap: Some(time),
        common: common_keys(purpose),
        ..options.clone()
    };
    (purpose.space.block_keys(purpose.classes).into_iter().collect(), capped)
}

/// Whole networks for calibrating a table: two variants of each reference, a smaller and a larger one, and `draws` random
/// networks.
pub fn calibration_networks(purpose: Purpose<'_>, draws: usize) -> Vec<Architecture> {
    let mut networks = Vec::new();
    for points in &purpose.space.references {
        let points = points.all(purpose.classes, purpose.space.early_strides_removed);
        let mut grid: Vec<Architecture> = points.map(|point| point.architecture).collect();
        grid.sort_by_key(|network| network.cost().macs);
        let quarter = grid.len() / 4;
        networks.extend([quarter, grid.len() - 1 - quarter].map(|index| grid[index].clone()));
    }
    networks.extend(random_networks(purpose, "calibration", draws));
    distinct(networks)
}

/// Whole networks for validating a table: `draws` random ones, and every reference of the space at its published widths and
/// resolutions.
pub fn validation_networks(purpose: Purpose<'_>, draws: usize) -> Vec<Architecture> {
    let mut networks = random_networks(purpose, "validation", draws);
    for points in &purpose.space.references {
        let points = points.all(purpose.classes, purpose.space.early_strides_removed);
        networks.extend(points.map(|point| point.architecture));
    }
    distinct(networks)
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

/// Common layers of the space: the most frequent ones, which together make up the share [`COMMON`] of all layers in random networks.
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

/// Layers of random networks around the budget that the table lacks.
fn keys_near(predictor: &Predictor, purpose: Purpose<'_>, budget_ms: f64, table: &LatencyTable) -> Vec<BlockKey> {
    let mut keys = BTreeSet::new();
    for network in random_networks(purpose, "profile", DRAWS) {
        if predictor.estimate(&network).latency.0 <= 1.25 * budget_ms {
            let missing = network
                .layers()
                .map(|layer| layer.key)
                .filter(|key| table.get(key).is_none());
            keys.extend(missing);
        }
    }
    keys.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(space: &SearchSpace) -> Purpose<'_> {
        Purpose {
            space,
            classes: 10,
            budget_ms: None,
            seed: 3,
        }
    }

    #[test]
    fn networks_are_distinct_and_belong_to_the_space() {
        let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet-small-images").unwrap()).unwrap();
        let calibration = calibration_networks(purpose(&space), 20);
        let validation = validation_networks(purpose(&space), 20);
        assert!(calibration.len() > 20 && validation.len() > calibration.len());
        for networks in [&calibration, &validation] {
            let ids: HashSet<_> = networks.iter().map(Architecture::id).collect();
            assert_eq!(ids.len(), networks.len());
            assert!(networks.iter().all(|network| space.contains(network)));
        }
        assert_eq!(calibration, calibration_networks(purpose(&space), 20));
    }

    #[test]
    fn common_layers_make_up_most_of_random_networks() {
        let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet-small-images").unwrap()).unwrap();
        let common = common_keys(purpose(&space));
        assert!(common.len() < space.block_keys(10).len());
        let networks = random_networks(purpose(&space), "test", 200);
        let layers: Vec<BlockKey> = networks
            .iter()
            .flat_map(|network| network.layers().map(|layer| layer.key))
            .collect();
        let share = layers.iter().filter(|key| common.contains(key)).count() as f64 / layers.len() as f64;
        assert!((0.7..0.9).contains(&share), "{share}");
    }
}

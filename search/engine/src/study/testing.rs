//! A small study for tests: a space of few networks, a table of a fake device, a configuration.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use mnas_latency::{Device, LatencyModel, MeasureSettings, Milliseconds, ProfileOptions};
use mnas_space::{Architecture, Genotype, SearchSpace};

use super::{DeviceConfig, EvaluatorConfig, Limits, References, StudyConfig, TrainConfig};
use crate::strategy::StrategyConfig;
use crate::training::{DataRequest, OnCorrupt, Proxy, Recipe, TrainDevice};
use mnas_space::random::stream;

/// Classes of all networks.
pub(super) const CLASSES: u32 = 4;

/// 2 x 144 networks.
pub(super) fn small_space() -> SearchSpace {
    let family = |name: &str, activation: &str| {
        format!(
            "[[family]]\nname = \"{name}\"\nresolution = [16, 32]\nwidth = [1.0, 2.0]\nstage = [\n\
             {{ block = \"conv\", kernel = 3, stride = 2, channels = 8, activation = \"{activation}\" }},\n\
             {{ block = \"ir\", kernel = [3, 5, 7], expansion = [2, 4], channels = 16, activation = \"{activation}\" }},\n\
             {{ block = \"ir\", kernel = [3, 5], expansion = [2, 3, 4], stride = 2, channels = 24, activation = \"{activation}\" }},\n]\n"
        )
    };
    SearchSpace::from_toml(&format!(
        "name = \"small\"\n{}{}",
        family("a", "relu"),
        family("b", "hard-swish")
    ))
    .unwrap()
}

/// An embedded space.
pub(super) fn embedded(name: &str) -> SearchSpace {
    SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap()
}

/// Latencies of a fake device that measured the layers of some networks of the space; the table stays in `folder`.
pub(super) fn latency(space: &SearchSpace, folder: &Path) -> LatencyModel {
    let device = Device::open("fake").unwrap();
    let mut runtime = mnas_latency::runtimes::open(&device, &mnas_latency::runtimes::Libraries::default()).unwrap();
    let settings = MeasureSettings::quick();
    let mut table = mnas_latency::open_or_create(folder, &device, runtime.as_mut(), &settings).unwrap();
    let networks: Vec<Architecture> = (0..12)
        .map(|index| space.express(&space.sample(&mut stream(0, "test", index, 0)), CLASSES))
        .collect();
    let keys = networks
        .iter()
        .flat_map(|network| network.layers().map(|layer| layer.key));
    let keys: Vec<_> = keys.collect();
    let options = ProfileOptions::quick();
    let never = AtomicBool::new(false);
    mnas_latency::profile(
        runtime.as_mut(),
        &mut table,
        keys,
        &networks[..6],
        &options,
        &never,
        &mut |_| {},
    )
    .unwrap();
    drop(table);
    LatencyModel::load(folder).unwrap()
}

/// Every network of a space of few, with its predicted latency, the fastest first.
pub(super) fn all_networks(space: &SearchSpace, latency: &LatencyModel) -> Vec<(f64, Architecture)> {
    let mut networks = Vec::new();
    for (family, body) in space.families.iter().enumerate() {
        let sizes = body.gene_sizes();
        let count: usize = sizes.iter().map(|&size| usize::from(size)).product();
        for number in 0..count {
            let mut rest = number;
            let genes = sizes.iter().map(|&size| {
                let gene = rest % usize::from(size);
                rest /= usize::from(size);
                gene as u16
            });
            let genotype = Genotype {
                family,
                genes: genes.collect(),
            };
            let architecture = space.express(&genotype, CLASSES);
            networks.push((latency.predict(&architecture).latency.0, architecture));
        }
    }
    networks.sort_by(|one, other| one.0.total_cmp(&other.0));
    networks.dedup_by_key(|(_, architecture)| architecture.id());
    networks
}

/// A study of `trials` candidates within a budget.
pub(super) fn config(budget_ms: f64, trials: usize, lookahead: usize) -> StudyConfig {
    let data = DataRequest {
        path: "demo".into(),
        images: Some(100),
        val_fraction: 0.1,
        on_corrupt: OnCorrupt::Skip,
        seed: 4,
        memory_mb: None,
    };
    StudyConfig {
        name: "test".to_owned(),
        seed: 3,
        trials,
        lookahead,
        classes: CLASSES,
        objectives: ["accuracy", "latency"].map(str::to_owned).to_vec(),
        devices: vec![DeviceConfig {
            name: "fake".to_owned(),
            budget: Some(Milliseconds(budget_ms)),
            runtime: "fake 1".to_owned(),
        }],
        limits: Limits::default(),
        reward: None,
        strategy: StrategyConfig::Evolution {
            population: 6,
            sample: 3,
        },
        evaluator: EvaluatorConfig::Train(Box::new(TrainConfig {
            threads_per_worker: 1,
            train_device: TrainDevice::Cpu,
            libtorch: "2".to_owned(),
            data,
            proxy: Proxy::DIRECT,
            recipe: Recipe::plain("test", 1, 16, 1.6),
            halving: None,
            signals: None,
            parent: None,
            finals: None,
            plan: None,
        })),
        references: References { per_network: 0 },
        workers: Vec::new(),
        warm_start: Vec::new(),
        mnas: "1".to_owned(),
    }
}

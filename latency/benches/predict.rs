//! Benchmarks of a latency table as used by a search: loaded and fitted once, then used to predict millions of networks.
//!
//! The table contains every layer of the default space, and its references at one width as whole networks.

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use mnas_latency::runtimes::{FakeRuntime, FakeSettings};
use mnas_latency::{Device, LatencyTable, MeasureSettings, Measurement, Predictor, open_or_create};
use mnas_space::{Architecture, Reference, SearchSpace};

const CLASSES: u32 = 1000;

/// Fills a table in `folder` with simulated times.
fn fill(folder: &Path, space: &SearchSpace) {
    let mut runtime = FakeRuntime::new(FakeSettings::default());
    let device = Device::open("fake").unwrap();
    let mut table = open_or_create(folder, &device, &mut runtime, &MeasureSettings::quick()).unwrap();
    let row = |median_ms: f64| Measurement {
        median_ms,
        p10_ms: 0.98 * median_ms,
        p90_ms: 1.05 * median_ms,
        runs: 27,
        outliers: 1,
        speed: 0.97,
    };
    for key in space.block_keys(CLASSES) {
        let ms = runtime.true_ms(&key.graph());
        table.add_block(key, row(ms)).unwrap();
    }
    let references = space.references.iter().flat_map(|points| {
        let place = |resolution: &u32| {
            points
                .reference
                .architecture(points.widths[0], *resolution, CLASSES)
                .unwrap()
        };
        points.resolutions.iter().map(place).collect::<Vec<_>>()
    });
    let networks: Vec<Architecture> = references.collect();
    for network in &networks {
        table
            .add_network(network.clone(), row(runtime.true_ms(&network.graph())))
            .unwrap();
    }
}

fn predict(criterion: &mut Criterion) {
    let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet").unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &space);
    let table = LatencyTable::load(folder.path()).unwrap();
    let predictor = Predictor::fit(&table).unwrap();
    println!("{} layers, {} whole networks", table.len(), table.networks().len());
    criterion.bench_function("load a table", |bencher| {
        bencher.iter(|| LatencyTable::load(black_box(folder.path())).unwrap());
    });
    criterion.bench_function("fit a predictor", |bencher| {
        bencher.iter(|| Predictor::fit(black_box(&table)).unwrap());
    });
    for name in ["mobilenet-v2", "mobilenet-v3-large"] {
        let reference = Reference::named(name).unwrap();
        let network = reference.architecture(1.0, 224, CLASSES).unwrap();
        assert!(predictor.estimate(&network).coverage > 0.999);
        criterion.bench_function(&format!("predict {name}"), |bencher| {
            bencher.iter(|| predictor.estimate(black_box(&network)));
        });
    }
}

criterion_group!(benches, predict);
criterion_main!(benches);

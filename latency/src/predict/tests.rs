//! Tests of predictions against the true times of the fake device.

use std::sync::atomic::AtomicBool;

use mnas_space::ACTIVATION_BYTES;
use rand::RngExt;

use super::*;
use crate::device::Device;
use crate::profile::{ProfileOptions, open_or_create, profile};
use crate::runtimes::{FakeRuntime, FakeSettings};

fn random_network(index: u64) -> Architecture {
    let mut rng = mnas_space::random::stream(3, "test networks", index, 0);
    let mut pieces = vec![format!("in{},conv_k3_s2_c16_nhs", [96, 128][rng.random_range(0..2)])];
    for channels in [24, 40, 80] {
        for layer in 0..rng.random_range(1..4) {
            let kernel = [3, 5][rng.random_range(0..2)];
            let expansion = [3, 4, 6][rng.random_range(0..3)];
            let stride = if layer == 0 { "_s2" } else { "" };
            let squeeze = ["", "_se0.25"][rng.random_range(0..2)];
            pieces.push(format!("ir_k{kernel}{stride}_e{expansion}_c{channels}{squeeze}_nhs"));
        }
    }
    pieces.push("conv_k1_c320_nhs,head_o100".to_owned());
    pieces.join(",").parse().unwrap()
}

/// Table with the layers of `layers` and the whole networks `networks`, measured on a machine with drift and interruptions.
fn table(layers: &[Architecture], networks: &[Architecture]) -> (tempfile::TempDir, LatencyTable) {
    let folder = tempfile::tempdir().unwrap();
    let mut runtime = FakeRuntime::new(disturbed());
    let options = ProfileOptions::quick();
    let device = Device::open("fake").unwrap();
    let mut table = open_or_create(folder.path(), &device, &mut runtime, &options.measure).unwrap();
    let keys: Vec<BlockKey> = layers
        .iter()
        .flat_map(|a| a.layers().map(|l| l.key).collect::<Vec<_>>())
        .collect();
    profile(
        &mut runtime,
        &mut table,
        keys,
        networks,
        &options,
        &AtomicBool::new(false),
        &mut |_| {},
    )
    .unwrap();
    (folder, table)
}

fn disturbed() -> FakeSettings {
    FakeSettings {
        noise: 0.02,
        drift: 0.3,
        drift_period_ms: 2_000.0,
        spikes: 0.02,
        ..FakeSettings::default()
    }
}

fn networks(range: std::ops::Range<u64>) -> Vec<Architecture> {
    range.map(random_network).collect()
}

/// Mean absolute relative error, and the share of networks within their interval.
fn quality(predictor: &Predictor, networks: &[Architecture]) -> (f64, f64) {
    let runtime = FakeRuntime::new(disturbed());
    let mut error = 0.0;
    let mut inside = 0.0;
    for network in networks {
        let true_ms = runtime.true_ms(&network.graph());
        let prediction = predictor.predict(network, MissingKeys::Predict).unwrap();
        error += (prediction.latency.0 / true_ms - 1.0).abs();
        if (prediction.low.0..=prediction.high.0).contains(&true_ms) {
            inside += 1.0;
        }
    }
    (error / networks.len() as f64, inside / networks.len() as f64)
}

#[test]
fn measured_layers_and_a_few_networks_predict_other_networks() {
    let all = networks(0..60);
    let (_folder, table) = table(&all, &all[..12]);
    let predictor = Predictor::fit(&table).unwrap();
    let (error, inside) = quality(&predictor, &all[12..]);
    assert!(error < 0.03, "{error}");
    assert!(inside > 0.6, "{inside}");
    let prediction = predictor.predict(&all[20], MissingKeys::Refuse).unwrap();
    assert!((prediction.coverage - 1.0).abs() < 1e-12);
    assert!(prediction.low < prediction.latency && prediction.latency < prediction.high);
}

#[test]
fn unmeasured_layers_are_predicted_with_wider_intervals_or_refused() {
    let all = networks(0..60);
    let (_folder, table) = table(&all[..20], &all[..12]);
    let predictor = Predictor::fit(&table).unwrap();
    let (error, inside) = quality(&predictor, &all[20..]);
    assert!(error < 0.05, "{error}");
    assert!(inside > 0.6, "{inside}");
    let stranger: Architecture = "in160,conv_k5_s2_c24_nre,ds_k5_s2_c56_nre,head_f200_nhs_o7"
        .parse()
        .unwrap();
    let prediction = predictor.predict(&stranger, MissingKeys::Predict).unwrap();
    assert!(prediction.coverage.abs() < 1e-12);
    let known = predictor.predict(&all[0], MissingKeys::Predict).unwrap();
    let width = |p: &Prediction| p.high.0 / p.low.0;
    assert!(width(&prediction) > width(&known));
    let refused = predictor.predict(&stranger, MissingKeys::Refuse).unwrap_err();
    assert!(
        matches!(&refused, LatencyError::MissingKeys { count: 3, first } if first.starts_with("conv_k5")),
        "{refused}"
    );
}

#[test]
fn predictors_of_one_table_agree() {
    let all = networks(0..14);
    let (folder, table) = table(&all[..10], &all[..5]);
    let read = LatencyTable::load(folder.path()).unwrap();
    let (one, other) = (Predictor::fit(&table).unwrap(), Predictor::fit(&read).unwrap());
    for network in &all {
        let ask = |predictor: &Predictor| predictor.predict(network, MissingKeys::Predict).unwrap();
        assert_eq!(ask(&one), ask(&other));
        assert_eq!(ask(&one), ask(&one), "the second answer comes from the cache");
    }
}

#[test]
fn shares_of_layers_add_up_to_the_prediction() {
    let all = networks(0..16);
    let (_folder, table) = table(&all[..12], &all[..12]);
    let predictor = Predictor::fit(&table).unwrap();
    // The cost of weights beyond the smallest cache is not part of any layer's share.
    let is_cached = |network: &&Architecture| network.cost().folded_params * ACTIVATION_BYTES <= 2_000_000;
    let cached: Vec<&Architecture> = all.iter().filter(is_cached).collect();
    assert!(cached.len() > 8, "{}", cached.len());
    for network in cached {
        let sum: f64 = network.layers().map(|layer| predictor.layer_share_ms(&layer.key)).sum();
        let whole = predictor.predict(network, MissingKeys::Predict).unwrap().latency.0;
        assert!((sum / whole - 1.0).abs() < 1e-9, "{sum} {whole}");
    }
}

#[test]
fn an_empty_table_predicts_nothing() {
    let (_folder, table) = table(&[], &[]);
    assert!(matches!(Predictor::fit(&table), Err(LatencyError::EmptyTable)));
}

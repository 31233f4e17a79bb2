//! Tests of profiles on the fake device: complete, capped, cancelled and continued.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mnas_space::{Architecture, BlockKey};

use super::{
    ProfileEvent, ProfileOptions, ProfilePlan, ProfileReport, StopReason, open_or_create, open_or_transfer, profile,
};
use crate::comparison::Comparison;
use crate::device::Device;
use crate::error::LatencyError;
use crate::machine::Warning;
use crate::predict::{MissingKeys, Predictor};
use crate::runtimes::{FakeRuntime, FakeSettings};
use crate::table::LatencyTable;

const NETWORKS: [&str; 3] = [
    "in64,conv_k3_s2_c16_nhs,ir_k3_s2_e4_c24_nre,ir_r2_k3_e3_c24_nre,id_c24,conv_k1_c96_nhs,head_o10",
    "in64,conv_k3_s2_c16_nhs,ir_k5_s2_e4_c24_se0.25_nre,ir_k3_e3_c24_nre,conv_k1_c96_nhs,head_o10",
    "in96,conv_k3_s2_c16_nre,ds_r2_k3_s2_c32_nre,conv_k1_c96_nhs,head_o10",
];

fn networks() -> Vec<Architecture> {
    NETWORKS.iter().map(|text| text.parse().unwrap()).collect()
}

fn keys() -> Vec<BlockKey> {
    networks()
        .iter()
        .flat_map(|network| network.layers().map(|layer| layer.key).collect::<Vec<_>>())
        .collect()
}

struct Bed {
    folder: tempfile::TempDir,
    options: ProfileOptions,
    settings: FakeSettings,
}

impl Bed {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            options: ProfileOptions::quick(),
            settings: FakeSettings {
                noise: 0.0,
                ..FakeSettings::default()
            },
        }
    }

    /// Profiles until done, or until `cancel_after` layers.
    fn run(&self, cancel_after: Option<usize>) -> (LatencyTable, ProfileReport) {
        let device = Device::open("fake").unwrap();
        let mut runtime = FakeRuntime::new(self.settings.clone());
        let mut table = open_or_create(self.folder.path(), &device, &mut runtime, &self.options.measure).unwrap();
        let cancel = AtomicBool::new(false);
        let mut observer = |event: ProfileEvent<'_>| {
            if let ProfileEvent::Block { done, .. } = event {
                cancel.store(Some(done) == cancel_after, Ordering::Relaxed);
            }
        };
        let networks = networks();
        let report = profile(
            &mut runtime,
            &mut table,
            keys(),
            &networks,
            &self.options,
            &cancel,
            &mut observer,
        )
        .unwrap();
        (table, report)
    }
}

#[test]
fn a_profile_measures_each_distinct_layer_once() {
    let bed = Bed::new();
    let plan = ProfilePlan::new(keys(), &networks(), None, &bed.options);
    let distinct: HashSet<_> = keys().into_iter().filter(|key| !key.is_nothing()).collect();
    assert_eq!(
        (plan.layers, plan.missing_layers.len(), plan.missing_networks.len()),
        (distinct.len(), distinct.len(), 3)
    );
    assert!(plan.estimate > Duration::ZERO && plan.coverage() < 1e-9);
    let (table, report) = bed.run(None);
    assert_eq!(
        (report.stop, report.layers, report.networks),
        (StopReason::Complete, distinct.len(), 3)
    );
    assert!((report.coverage - 1.0).abs() < 1e-9 && report.refused.is_empty());
    let plan = ProfilePlan::new(keys(), &networks(), Some(&table), &bed.options);
    assert_eq!((plan.missing_layers.len(), plan.missing_networks.len()), (0, 0));
    assert_eq!(plan.estimate, Duration::ZERO);
    let (_, again) = bed.run(None);
    assert_eq!((again.layers, again.networks, again.stop), (0, 0, StopReason::Complete));
}

#[test]
fn a_cancelled_profile_continues_to_the_same_table() {
    let whole = Bed::new();
    let (undisturbed, _) = whole.run(None);
    let bed = Bed::new();
    let (table, report) = bed.run(Some(3));
    assert_eq!(
        (report.stop, report.layers, report.networks),
        (StopReason::Cancelled, 3, 0)
    );
    assert_eq!(table.len(), 3);
    drop(table);
    let (table, report) = bed.run(None);
    assert_eq!(report.stop, StopReason::Complete);
    assert_eq!(table.len(), undisturbed.len());
    for (key, measurement) in undisturbed.layers() {
        let other = table.get(key).unwrap();
        assert!((other.median_ms / measurement.median_ms - 1.0).abs() < 1e-4, "{key}");
    }
    let network = &networks()[0];
    let predict = |table| {
        Predictor::fit(table)
            .unwrap()
            .predict(network, MissingKeys::Refuse)
            .unwrap()
            .latency
            .0
    };
    assert!((predict(&table) / predict(&undisturbed) - 1.0).abs() < 1e-3);
}

#[test]
fn a_time_cap_ends_the_layers_but_not_the_calibration() {
    let mut bed = Bed::new();
    bed.options.time_cap = Some(Duration::from_millis(20));
    let (table, report) = bed.run(None);
    assert_eq!(report.stop, StopReason::TimeCap);
    assert!(report.layers > 0 && report.coverage < 1.0, "{report:?}");
    assert_eq!(table.networks().len(), 3);
}

#[test]
fn a_refused_layer_is_named_and_the_rest_goes_on() {
    let mut bed = Bed::new();
    bed.settings.refuse = Some("ds_k3".to_owned());
    let (table, report) = bed.run(None);
    assert_eq!(report.stop, StopReason::Complete);
    assert_eq!(report.refused.len(), 2);
    assert!(
        report.refused[0].contains("fake refuses `ds_k3"),
        "{:?}",
        report.refused
    );
    assert!(report.coverage < 1.0 && table.networks().len() == 3);
}

#[test]
fn noise_is_counted_and_warned_about() {
    let quiet = Bed::new().run(None).1;
    assert_eq!((quiet.unsettled, quiet.outliers), (0, 0));
    assert!(quiet.warnings.is_empty() && quiet.runs > 0, "{quiet:?}");

    let mut noisy = Bed::new();
    noisy.settings = FakeSettings {
        noise: 0.3,
        spikes: 0.2,
        drift: 1.0,
        drift_period_ms: 400.0,
        ..FakeSettings::default()
    };
    let report = noisy.run(None).1;
    assert!(
        report.unsettled > report.layers / 2 && report.outliers > 0,
        "{report:?}"
    );
    let kinds = report.warnings.iter().map(|warning| match warning {
        Warning::Drift { slow, fast, turbo } => {
            assert!(*slow < 0.7 && *fast > 0.7 && !turbo, "{warning:?}");
            "drift"
        }
        Warning::Unsettled { layers, of } => {
            assert_eq!((*layers, *of), (report.unsettled, report.layers));
            "unsettled"
        }
        Warning::Outliers { .. } => "outliers",
        _ => "other",
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["drift", "unsettled", "outliers"]);
    let (slow, fast) = report.speed_range.unwrap();
    assert!(slow < 0.65 && fast > 0.7, "{slow} {fast}");
}

#[test]
fn planted_drift_and_spikes_change_a_table_by_little() {
    let (quiet, _) = Bed::new().run(None);
    let mut bed = Bed::new();
    bed.options = ProfileOptions::thorough();
    bed.settings = FakeSettings {
        noise: 0.01,
        drift: 0.3,
        drift_period_ms: 700.0,
        spikes: 0.02,
        ..FakeSettings::default()
    };
    let (disturbed, report) = bed.run(None);
    assert!(report.outliers > 0);
    // Rows are relative to the anchor's reference time, which is slightly longer on a machine that is never undisturbed.
    let reference = disturbed.header().anchor_reference_ms / quiet.header().anchor_reference_ms;
    for (key, row) in quiet.layers() {
        let ratio = disturbed.get(key).unwrap().median_ms / row.median_ms / reference;
        assert!((ratio - 1.0).abs() < 0.02, "{key}: {ratio}");
    }
}

#[test]
fn the_order_is_random_and_seeded() {
    let order = |seed: u64| {
        let mut bed = Bed::new();
        bed.options.seed = seed;
        bed.run(None).0.layers().map(|(key, _)| *key).collect::<Vec<_>>()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn validation_judges_by_networks_that_the_table_does_not_have() {
    let mut bed = Bed::new();
    bed.settings.noise = 0.01;
    let (table, _) = bed.run(None);
    let stranger: Architecture =
        "in64,conv_k3_s2_c16_nhs,ir_k5_s2_e4_c24_se0.25_nre,ir_k3_e3_c24_nre,conv_k1_c96_nhs,head_o9"
            .parse()
            .unwrap();
    let known = networks();
    let mut runtime = FakeRuntime::new(bed.settings.clone());
    bed.options.validation = vec![known[0].clone(), stranger.clone()];
    let device = Device::open("fake").unwrap();
    let mut table = open_or_create(table.folder(), &device, &mut runtime, &bed.options.measure).unwrap();
    let mut validated = |cancel: bool| {
        let cancel = AtomicBool::new(cancel);
        profile(&mut runtime, &mut table, [], &[], &bed.options, &cancel, &mut |_| ()).unwrap()
    };
    let report = validated(false);
    assert_eq!(
        (report.stop, report.networks, report.layers),
        (StopReason::Complete, 1, 0)
    );
    assert_eq!(report.validation[0].architecture, stranger);
    let (first, second) = report.validation[0].halves.unwrap();
    assert!((first.0 / second.0 - 1.0).abs() < 0.05);
    let cancelled = validated(true);
    assert_eq!((cancelled.stop, cancelled.validation.len()), (StopReason::Cancelled, 0));
    assert_eq!(table.networks().len(), known.len(), "the table stays as it is");
    let comparison = Comparison::fresh(report.validation, &Predictor::fit(&table).unwrap());
    assert!(comparison.mean_error().unwrap() < 0.05);
}

#[test]
fn a_table_with_borrowed_layers_takes_networks_and_no_layers() {
    let bed = Bed::new();
    let (source, _) = bed.run(None);
    let mut device = Device::open("fake").unwrap();
    device.name = "board".to_owned();
    let folder = bed.folder.path().join("board");
    let mut runtime = FakeRuntime::new(FakeSettings {
        network_factor: 2.0,
        ..bed.settings.clone()
    });
    let settings = &bed.options.measure;
    let mut table = open_or_transfer(&folder, &device, &mut runtime, settings, &source).unwrap();
    assert_eq!((table.len(), table.networks().len()), (source.len(), 0));
    assert_eq!(table.header().layers_of.as_deref(), Some("fake"));

    let never = AtomicBool::new(false);
    let stranger: BlockKey = "ds_k7_c64_nre@32x56x56".parse().unwrap();
    let refused = profile(
        &mut runtime,
        &mut table,
        [stranger],
        &[],
        &bed.options,
        &never,
        &mut |_| (),
    )
    .unwrap_err();
    assert!(refused.to_string().contains("has the layers of `fake`"), "{refused}");
    profile(
        &mut runtime,
        &mut table,
        keys(),
        &networks(),
        &bed.options,
        &never,
        &mut |_| (),
    )
    .unwrap();
    let table = open_or_transfer(&folder, &device, &mut runtime, settings, &source).unwrap();
    assert_eq!(table.networks().len(), 3);
    let predictor = Predictor::fit(&table).unwrap();
    for (network, measured) in table.networks() {
        let ratio = predictor.estimate(network).latency.0 / measured.median_ms;
        assert!((ratio - 1.0).abs() < 0.1, "{ratio}");
    }
    let borrowed = source.transfer(&folder, table.header().clone());
    assert!(borrowed.is_err(), "the folder holds measurements");
    let chain = table.transfer(&folder.join("next"), table.header().clone());
    assert!(matches!(chain, Err(LatencyError::BorrowedLayers { .. })));
    let own = open_or_transfer(bed.folder.path(), &device, &mut runtime, settings, &source).unwrap_err();
    assert!(own.is_table_of_another_device(), "{own}");
}

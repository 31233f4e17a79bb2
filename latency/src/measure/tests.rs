//! Tests of the statistics on a simulated clock.

use mnas_space::{Architecture, BlockKey};

use super::{ANCHOR, MeasureSettings, Measurement, Measurer};
use crate::runtime::Model;
use crate::runtimes::{FakeRuntime, FakeSettings};

const BLOCKS: [&str; 5] = [
    "conv_k3_s2_c16_nre@3x128x128",
    "ds_k3_c64_nre@32x56x56",
    "ir_k3_s2_e6_c24_nr6@16x112x112",
    "ir_k5_e6_c96_se0.25_nhs@96x7x7",
    "head_o10@320x7x7",
];

fn quiet() -> FakeSettings {
    FakeSettings {
        noise: 0.0,
        ..FakeSettings::default()
    }
}

/// Relative deviation of each layer's measured median from its true time at the reference speed.
fn deviations(settings: FakeSettings, measure: &MeasureSettings) -> Vec<(f64, Measurement)> {
    let truth = FakeRuntime::new(quiet());
    let anchor: Architecture = ANCHOR.parse().unwrap();
    let reference_ms = truth.true_ms(&anchor.graph());
    let mut runtime = FakeRuntime::new(settings);
    let mut measurer = Measurer::new(&mut runtime, measure.clone(), Some(reference_ms)).unwrap();
    let one = |text: &&str| {
        let key: BlockKey = text.parse().unwrap();
        let latency = measurer.measure(&Model::block(&key)).unwrap();
        (latency.median_ms / truth.true_ms(&key.graph()) - 1.0, latency)
    };
    BLOCKS.iter().map(one).collect()
}

#[test]
fn a_quiet_machine_is_measured_exactly_with_the_fewest_samples() {
    for (deviation, measured) in deviations(quiet(), &MeasureSettings::quick()) {
        assert!(deviation.abs() < 1e-9, "{deviation}");
        assert!((measured.p10_ms - measured.p90_ms).abs() < 1e-9);
        assert_eq!(measured.outliers, 0);
        assert!((measured.speed - 1.0).abs() < 1e-9);
    }
}

#[test]
fn drift_of_30_percent_changes_medians_by_less_than_2() {
    for period_ms in [200.0, 1_000.0, 60_000.0] {
        let settings = FakeSettings {
            noise: 0.01,
            drift: 0.3,
            drift_period_ms: period_ms,
            ..quiet()
        };
        for (deviation, measured) in deviations(settings, &MeasureSettings::quick()) {
            assert!(deviation.abs() < 0.02, "period {period_ms}: {deviation}");
            assert!(measured.speed > 0.7 && measured.speed < 1.02, "{}", measured.speed);
        }
    }
}

#[test]
fn spikes_are_counted_and_change_medians_by_less_than_2_percent() {
    for seed in 0..5 {
        let settings = FakeSettings {
            seed,
            noise: 0.01,
            drift: 0.3,
            spikes: 0.03,
            spike_factor: 10.0,
            ..quiet()
        };
        let measured = deviations(settings, &MeasureSettings::thorough());
        assert!(measured.iter().any(|(_, measured)| measured.outliers > 0));
        for (deviation, measured) in measured {
            assert!(deviation.abs() < 0.02, "seed {seed}: {deviation} of {measured:?}");
        }
    }
}

#[test]
fn noise_asks_for_more_samples_up_to_the_cap() {
    let runs = |noise: f64| {
        let settings = FakeSettings { noise, ..quiet() };
        let measured = deviations(
            settings,
            &MeasureSettings {
                max_ms: 1e9,
                ..MeasureSettings::quick()
            },
        );
        measured.iter().map(|(_, measured)| measured.runs).sum::<u32>()
    };
    assert!(runs(0.0) < runs(0.05));
    let capped = |max_samples: usize| {
        let settings = FakeSettings { noise: 0.3, ..quiet() };
        let measure = MeasureSettings {
            max_ms: 1e9,
            max_samples,
            ..MeasureSettings::quick()
        };
        let measured = deviations(settings, &measure);
        measured.iter().map(|(_, measured)| measured.runs).sum::<u32>()
    };
    assert!(2 * capped(12) < capped(120));
}

#[test]
fn time_is_capped() {
    let mut runtime = FakeRuntime::new(FakeSettings { noise: 0.3, ..quiet() });
    let settings = MeasureSettings {
        max_ms: 5.0,
        ..MeasureSettings::quick()
    };
    let mut measurer = Measurer::new(&mut runtime, settings, Some(1.0)).unwrap();
    let slow: BlockKey = "conv_k3_c64_nre@64x112x112".parse().unwrap();
    let latency = measurer.measure(&Model::block(&slow)).unwrap();
    assert_eq!(latency.runs, 9, "the fewest samples are taken, and no more");
}

#[test]
fn the_reference_is_the_undisturbed_speed() {
    let mut runtime = FakeRuntime::new(FakeSettings {
        noise: 0.01,
        spikes: 0.05,
        ..quiet()
    });
    let anchor: Architecture = ANCHOR.parse().unwrap();
    let true_ms = runtime.true_ms(&anchor.graph());
    let reference_ms = Measurer::new(&mut runtime, MeasureSettings::quick(), None)
        .unwrap()
        .reference()
        .unwrap()
        .0;
    assert!((reference_ms / true_ms - 1.0).abs() < 0.02, "{reference_ms} {true_ms}");
}

//! Calibrations of planted corrections.

use rand::RngExt;

use super::*;

/// Networks whose measured time is a known function of their terms, with noise.
fn planted(count: usize, noise: f64, truth: [f64; TERMS]) -> Vec<(Terms, f64)> {
    let mut rng = crate::random::stream(7, "planted networks", 0);
    let network = |_| {
        let sum_ms = rng.random_range(1.0..20.0);
        let terms = Terms([
            sum_ms,
            rng.random_range(60.0..160.0),
            rng.random_range(1.0..30.0),
            rng.random_range(1.0..20.0),
        ]);
        (
            terms,
            dot(&truth, &terms.0) * (1.0 + noise * rng.random_range(-1.0..1.0)),
        )
    };
    (0..count).map(network).collect()
}

fn mean_error(calibration: &Calibration, networks: &[(Terms, f64)]) -> f64 {
    networks
        .iter()
        .map(|(terms, ms)| (calibration.apply(terms) / ms - 1.0).abs())
        .sum::<f64>()
        / networks.len() as f64
}

#[test]
fn a_plain_scale_needs_one_term() {
    let calibration = Calibration::fit(&planted(12, 0.02, [1.15, 0.0, 0.0, 0.0]));
    let report = calibration.report();
    assert!((report.scale - 1.15).abs() < 0.02, "{report:?}");
    assert_eq!((report.per_operation_ms, report.per_weight_megabyte_ms), (0.0, 0.0));
    assert!(report.held_out_mean_error.unwrap() < 0.02);
}

#[test]
fn terms_are_found_and_hold_on_other_networks() {
    let networks = planted(200, 0.01, [0.9, 0.01, 0.05, 0.0]);
    let calibration = Calibration::fit(&networks[..14]);
    assert!(calibration.report().per_operation_ms > 0.0);
    assert!(mean_error(&calibration, &networks[14..]) < 0.03);
    let held_out = calibration.report().held_out_mean_error.unwrap();
    assert!(held_out < 0.03, "{held_out}");
}

#[test]
fn few_networks_give_wide_intervals() {
    let none = Calibration::fit(&[]);
    assert_eq!((none.report().networks, none.report().scale), (0, 1.0));
    let one = Calibration::fit(&planted(1, 0.0, [1.2, 0.0, 0.0, 0.0]));
    assert!((one.report().scale - 1.2).abs() < 0.01);
    assert!(one.report().held_out_mean_error.is_none() && one.relative_error() >= UNCALIBRATED_ERROR);
    let many = Calibration::fit(&planted(14, 0.02, [1.2, 0.0, 0.0, 0.0]));
    assert!(many.relative_error() < 0.05);
}

//! Tests of calibration on networks with known corrections.

use rand::RngExt;

use super::*;

/// Networks whose measured time is a known function of their terms plus noise.
fn planted(count: usize, noise: f64, truth: [f64; SUMS]) -> Vec<(Terms, f64)> {
    let mut rng = mnas_space::random::stream(7, "planted networks", 0, 0);
    let network = |_| {
        let sum_ms = rng.random_range(1.0..20.0);
        let terms = Terms([
            sum_ms,
            rng.random_range(40.0..120.0),
            rng.random_range(1.0..30.0),
            rng.random_range(1.0..20.0),
            rng.random_range(1.0..5.0),
            rng.random_range(1.0..5.0),
            rng.random_range(20.0..600.0),
        ]);
        (
            terms,
            truth.iter().zip(&terms.0).map(|(t, x)| t * x).sum::<f64>() * (1.0 + noise * rng.random_range(-1.0..1.0)),
        )
    };
    (0..count).map(network).collect()
}

fn mean_error(calibration: &Calibration, networks: &[(Terms, f64)]) -> f64 {
    networks
        .iter()
        .map(|(terms, ms)| (calibration.apply(terms).0 / ms - 1.0).abs())
        .sum::<f64>()
        / networks.len() as f64
}

#[test]
fn a_plain_scale_is_found() {
    let networks = planted(60, 0.02, [1.15, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let calibration = Calibration::fit(&networks[..24]);
    assert!(calibration.report().held_out_mean_error.unwrap() < 0.02);
    assert!(mean_error(&calibration, &networks[24..]) < 0.02);
}

#[test]
fn terms_are_found_and_hold_on_other_networks() {
    let networks = planted(200, 0.01, [0.9, 0.01, 0.05, 0.0, -0.2, 0.0, 0.0]);
    let calibration = Calibration::fit(&networks[..24]);
    assert!(
        calibration
            .report()
            .corrections
            .iter()
            .any(|(unit, ms)| *unit == "kernel" && *ms > 0.0)
    );
    assert!(mean_error(&calibration, &networks[24..]) < 0.03);
    let held_out = calibration.report().held_out_mean_error.unwrap();
    assert!(held_out < 0.03, "{held_out}");
}

#[test]
fn few_networks_give_wide_intervals() {
    let terms = planted(1, 0.0, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])[0].0;
    let none = Calibration::fit(&[]);
    assert_eq!((none.report().networks, none.report().scale), (0, 1.0));
    let one = Calibration::fit(&planted(1, 0.0, [1.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
    assert!((one.report().scale - 1.2).abs() < 0.01);
    assert!(one.report().held_out_mean_error.is_none() && one.apply(&terms).1 >= UNCALIBRATED_ERROR);
    let many = Calibration::fit(&planted(14, 0.02, [1.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
    assert!(many.apply(&terms).1 < 0.05);
    let strange = Terms([1.0, 500.0, 300.0, 90.0, 30.0, 30.0, 9000.0]);
    assert!(many.apply(&strange).1 >= many.apply(&terms).1);
}

#[test]
fn weights_beyond_the_cache_cost_more() {
    let planted = planted(80, 0.01, [1.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let spilled = |(terms, ms): &(Terms, f64)| (*terms, ms + 0.3 * (terms.0[WEIGHTS] - 8.0).max(0.0));
    let networks: Vec<(Terms, f64)> = planted.iter().map(spilled).collect();
    let calibration = Calibration::fit(&networks[..40]);
    let unit = "megabyte of weights beyond 8";
    let found = calibration.report().corrections.iter().find(|(name, _)| *name == unit);
    assert!(found.unwrap().1 > 0.1, "{:?}", calibration.report());
    assert!(mean_error(&calibration, &networks[40..]) < 0.02);
}

#[test]
fn a_term_that_no_network_had_widens_the_interval_within_reason() {
    let mut small = planted(40, 0.01, [1.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    for (terms, _) in &mut small {
        terms.0[WEIGHTS] /= 20.0;
    }
    let calibration = Calibration::fit(&small);
    let known = small[0].0;
    let mut heavy = known;
    heavy.0[WEIGHTS] = 9.0;
    let (error, usual) = (calibration.apply(&heavy).1, calibration.apply(&known).1);
    assert!(error > 2.0 * usual && error <= 5.0 * usual, "{error} {usual}");
}

#[test]
fn leaving_out_in_closed_form_is_leaving_out() {
    let networks = planted(30, 0.1, [1.1, 0.02, 0.0, 0.0, 0.3, 0.0, 0.0]);
    let errors = Fit::new(&networks).unwrap().left_out_errors(&networks);
    for (left_out, error) in errors.into_iter().enumerate() {
        let mut others = networks.clone();
        let (terms, ms) = others.remove(left_out);
        let refitted = Fit::new(&others).unwrap().value(&terms) / ms - 1.0;
        // The penalty is relative to the number of networks, which is one less here.
        assert!((refitted - error).abs() < 0.02, "{refitted} {error}");
    }
}

use mnas_space::{Reference, SearchSpace};

use super::*;
use crate::imagenet::validation::{Agreement, LeftOut, hold_out_fifths, leave_families_out};
use crate::imagenet::{AccelNetwork, fit, published_networks, read_accel};
use crate::real_data::real_data;
use mnas_space::random::stream;

fn reference(name: &str, width: f64, resolution: u32) -> Architecture {
    Reference::named(name)
        .unwrap()
        .architecture(width, resolution, 1000)
        .unwrap()
}

/// Networks of Accel-NASBench, `None` where the table is missing.
fn accel() -> Option<Vec<AccelNetwork>> {
    real_data("accel-nasbench.csv").map(|path| read_accel(&path).unwrap())
}

#[test]
fn the_committed_coefficients_are_those_of_the_fit() {
    let Some(accel) = accel() else { return };
    let fitted = fit::fit(&published_networks(), &accel);
    let committed = Coefficients::embedded();
    assert_eq!(fitted.published_networks, committed.published_networks);
    // Predictions are compared, since the last digit of a coefficient may depend on the processor.
    let (fitted, committed) = (Predictor::new(fitted), Predictor::new(committed));
    for network in published_networks() {
        let predict = |predictor: &Predictor| predictor.predict_with(&network.architecture, network.recipe).unwrap();
        let (one, other) = (predict(&fitted), predict(&committed));
        assert!(
            (one.top1 - other.top1).abs() < 1e-3 && (one.high - other.high).abs() < 1e-3,
            "{}",
            network.reference
        );
    }
    for network in &accel[..100] {
        let (one, other) = (
            fitted.predict_accel(&network.architecture),
            committed.predict_accel(&network.architecture),
        );
        assert!((one - other).abs() < 1e-3, "{}", network.architecture);
    }
}

#[test]
fn left_out_families_are_predicted_within_the_stated_errors() {
    let Some(accel) = accel() else { return };
    let left_out = leave_families_out(&published_networks(), &accel);
    let all = Agreement::of_left_out(&left_out);
    assert!(
        all.networks >= 100 && all.mean_error <= 1.0 && all.tau >= 0.90,
        "{all:?}"
    );
    for (family, widths) in [
        ("mobilenet-v1", vec![0.25, 0.5, 0.75, 1.0]),
        ("mobilenet-v2", vec![0.35, 0.5, 0.75, 1.0, 1.3, 1.4]),
    ] {
        let grid = left_out
            .iter()
            .filter(|network| network.reference == family && widths.contains(&network.width));
        let agreement = Agreement::of_left_out(grid);
        assert_eq!(agreement.networks, if family == "mobilenet-v1" { 16 } else { 22 });
        assert!(agreement.mean_error <= 1.5, "{family}: {agreement:?}");
    }
    let is_inside = |network: &&LeftOut| (network.interval.0..=network.interval.1).contains(&network.published);
    let share = left_out.iter().filter(is_inside).count() as f64 / left_out.len() as f64;
    assert!((0.85..=0.95).contains(&share), "{share}");
}

#[test]
fn held_out_fifths_of_accel_nasbench_are_predicted_within_the_stated_errors() {
    let Some(accel) = accel() else { return };
    let fifths = hold_out_fifths(&accel, 0);
    let mean = |of: fn(&Agreement) -> f64| fifths.iter().map(of).sum::<f64>() / fifths.len() as f64;
    assert_eq!(fifths.iter().map(|fifth| fifth.networks).sum::<usize>(), accel.len());
    assert!(mean(|fifth| fifth.tau) >= 0.92, "{fifths:?}");
    assert!(mean(|fifth| fifth.mean_error) <= 0.35, "{fifths:?}");
}

#[test]
fn published_networks_are_in_range_and_near_their_accuracy() {
    for network in published_networks() {
        let predicted = Predictor::embedded()
            .predict_with(&network.architecture, network.recipe)
            .unwrap();
        let name = format!(
            "{} {} at {}",
            network.reference, network.width, network.architecture.resolution
        );
        assert!(predicted.distance <= 1.0 + 1e-6, "{name}: {predicted:?}");
        assert!(
            (predicted.low..=predicted.high).contains(&predicted.top1),
            "{name}: {predicted:?}"
        );
        assert!(
            (predicted.top1 - network.top1).abs() < 4.5,
            "{name}: {predicted:?}, published {}",
            network.top1
        );
    }
}

#[test]
fn accuracy_grows_with_width_and_resolution() {
    let predict = |network: Architecture| Predictor::embedded().predict(&network).unwrap().top1;
    for name in ["mobilenet-v1", "mobilenet-v2", "mobilenet-v3-large", "mnasnet-a1"] {
        let widths = [0.35, 0.5, 0.75, 1.0, 1.25, 1.4].map(|width| predict(reference(name, width, 224)));
        assert!(widths.is_sorted(), "{name}: {widths:?}");
        let sides = [96, 128, 160, 192, 224, 256].map(|side| predict(reference(name, 1.0, side)));
        assert!(sides.is_sorted(), "{name}: {sides:?}");
    }
    let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet").unwrap()).unwrap();
    let mut rng = stream(1, "test", 0, 0);
    for _ in 0..500 {
        let network = space.express(&space.sample(&mut rng), 1000);
        let score = |side: u32| Predictor::embedded().score(&network.clone().with_resolution(side));
        if let (Ok(small), Ok(large)) = (score(128), score(192)) {
            assert!(small < large, "{network}");
        }
    }
}

#[test]
fn the_interval_is_wider_far_from_the_published_networks() {
    let predict = |network: &Architecture| Predictor::embedded().predict(network).unwrap();
    let half = |predicted: PredictedTop1| (100.0 - predicted.low).ln() - (100.0 - predicted.high).ln();
    let near = predict(&reference("mobilenet-v2", 1.0, 192));
    let far = predict(&reference("mobilenet-v3-small", 0.35, 96));
    assert!(
        near.distance < far.distance && half(near) < half(far),
        "{near:?} {far:?}"
    );
}

#[test]
fn the_recipe_moves_the_prediction_and_classes_do_not() {
    let network = reference("mobilenet-v2", 1.0, 224);
    let predict = |recipe| Predictor::embedded().predict_with(&network, recipe).unwrap().top1;
    assert!(predict(Recipe::Plain) < predict(Recipe::Regularised));
    assert_eq!(
        predict(Recipe::Regularised),
        Predictor::embedded().predict(&network).unwrap().top1
    );
    let fewer = Predictor::embedded().predict(&network.clone().with_classes(10));
    assert_eq!(fewer, Predictor::embedded().predict(&network));
    assert_eq!(Predictor::embedded().score(&network), Ok(predict(Recipe::Regularised)));
}

#[test]
fn networks_outside_of_the_published_range_are_refused() {
    for (network, word) in [
        (reference("mobilenet-v2", 1.0, 32), "input's side"),
        (reference("mobilenet-v2", 8.0, 224), "width"),
        (reference("mobilenet-v1", 0.05, 224), "width"),
    ] {
        let error = Predictor::embedded().predict(&network).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("published networks"), "{error}");
    }
}

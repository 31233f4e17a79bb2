use mnas_space::SearchSpace;

use super::*;
use mnas_space::random::stream;

fn space(name: &str) -> SearchSpace {
    SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap()
}

#[test]
fn equal_networks_of_nas_bench_macro_have_equal_codes() {
    let space = space("nas-bench-macro");
    let encoder = Encoder::new(&space);
    let mut rng = stream(0, "test", 0, 0);
    let drawn: Vec<_> = (0..400).map(|_| space.sample(&mut rng)).collect();
    for one in &drawn {
        for other in &drawn {
            let same = space.express(one, 10).id() == space.express(other, 10).id();
            assert_eq!(encoder.encode(one) == encoder.encode(other), same);
        }
    }
}

#[test]
fn every_space_has_codes_whose_covariance_is_positive_definite() {
    for name in SearchSpace::embedded_names() {
        let space = space(name);
        let encoder = Encoder::new(&space);
        let mut rng = stream(1, "test", 0, 0);
        let samples: Vec<Sample> = (0..60)
            .map(|_| Sample {
                encoding: encoder.encode(&space.sample(&mut rng)),
                columns: vec![],
            })
            .collect();
        let observed: Vec<(&Sample, f64)> = samples
            .iter()
            .zip(0..)
            .map(|(one, at)| (one, f64::from(at % 7)))
            .collect();
        let parameters = Hyperparameters {
            scales: vec![0.05; encoder.kinds().count()],
            slopes: vec![],
            noise: 1e-6,
        };
        assert!(
            GaussianProcess::condition(&encoder, parameters, &observed).is_some(),
            "{name}"
        );
    }
}

#[test]
fn a_process_learns_which_kind_of_choice_matters() {
    let space = space("mobilenet-small-images");
    let encoder = Encoder::new(&space);
    let mut rng = stream(2, "test", 0, 0);
    let drawn: Vec<_> = (0..120).map(|_| space.sample(&mut rng)).collect();
    // Resolution alone decides.
    let value = |genotype: &mnas_space::Genotype| f64::from(genotype.genes[0]);
    let samples: Vec<Sample> = drawn
        .iter()
        .map(|genotype| Sample {
            encoding: encoder.encode(genotype),
            columns: vec![f64::from(genotype.genes[1])],
        })
        .collect();
    let observed: Vec<(&Sample, f64)> = samples
        .iter()
        .zip(&drawn)
        .map(|(one, genotype)| (one, value(genotype)))
        .collect();
    let (seen, unseen) = observed.split_at(60);
    let parameters = GaussianProcess::tune(&encoder, seen, None, 40);
    let process = GaussianProcess::condition(&encoder, parameters, seen).unwrap();
    let beliefs = process.predict(&unseen.iter().map(|(one, _)| *one).collect::<Vec<_>>());
    let error = unseen
        .iter()
        .zip(&beliefs)
        .map(|((_, value), belief)| (value - belief.mean).abs());
    let mean = error.sum::<f64>() / 60.0;
    assert!(mean < 0.1, "{mean}");
    assert!(
        beliefs
            .iter()
            .all(|belief| belief.deviation.is_finite() && belief.deviation >= 0.0)
    );
}

#[test]
fn believing_keeps_means_and_shrinks_deviations() {
    let space = space("nas-bench-macro");
    let encoder = Encoder::new(&space);
    let mut rng = stream(3, "test", 0, 0);
    let samples: Vec<Sample> = (0..30)
        .map(|_| Sample {
            encoding: encoder.encode(&space.sample(&mut rng)),
            columns: vec![],
        })
        .collect();
    let observed: Vec<(&Sample, f64)> = samples[..20]
        .iter()
        .zip(0..)
        .map(|(one, at)| (one, f64::from(at % 5)))
        .collect();
    let parameters = GaussianProcess::tune(&encoder, &observed, None, 20);
    let process = GaussianProcess::condition(&encoder, parameters, &observed).unwrap();
    let unknown: Vec<&Sample> = samples[20..].iter().collect();
    let before = process.predict(&unknown);
    let after = process.believing(&unknown[..1]).predict(&unknown);
    assert!(after[0].deviation < 0.5 * before[0].deviation + 1e-9);
    for (one, other) in before.iter().zip(&after) {
        assert!((one.mean - other.mean).abs() < 1e-6 && other.deviation <= one.deviation + 1e-9);
    }
}

//! Short searches over the default space end ahead of the published networks.

use rand_distr::{Distribution, Normal};

use super::*;
use crate::imagenet::Predictor;

/// Trials of a search on the demo images.
const TRIALS: usize = 12;

/// Standard deviation of an accuracy measured on 1000 images at 65 %, in points.
const NOISE: f64 = 1.5;

/// Predicted ImageNet accuracy as measured on few images; networks out of the predictor's range are poor.
fn measured(network: &Architecture, seed: u64) -> f64 {
    let top1 = Predictor::embedded().predict(network).map_or(40.0, |found| found.top1);
    let mut rng = stream(seed, "noise", network.id().0, 0);
    top1 + Normal::new(0.0, NOISE).unwrap().sample(&mut rng)
}

/// Lead of the best candidate of a search over the best reference within the limit on multiply-adds, in points.
fn lead_over_references(strategy: &str, seed: u64, macs: f64) -> f64 {
    let root = tempfile::tempdir().unwrap();
    let space_toml = SearchSpace::embedded("mobilenet").unwrap();
    let space = SearchSpace::from_toml(space_toml).unwrap();
    let mut config = StudyConfig::for_table("short", TRIALS, strategy, "none");
    (config.seed, config.lookahead, config.classes) = (seed, 4, 1000);
    config.references.per_network = 2;
    let limits = vec![Constraint {
        metric: Metric::Macs,
        at_most: macs,
    }];
    let problem = Problem::new(space, 1000, Vec::new(), config.metrics().unwrap(), limits);
    let folder = StudyFolder::create(&root.path().join("study")).unwrap();
    let mut study = Study::create(folder, config, problem, space_toml).unwrap();
    let mut evaluator = FunctionEvaluator::new(|trial: &TrialRequest| Ok(measured(&trial.architecture, seed)));
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap();
    let most = |is_candidate: bool| {
        let trials = study.state().trials().iter();
        let wanted = trials.filter(|trial| trial.is_candidate() == is_candidate);
        let accuracies = wanted.filter(|trial| study.problem().violation(&trial.costs).is_none());
        accuracies.filter_map(Trial::accuracy).fold(0.0, f64::max)
    };
    most(true) - most(false)
}

#[test]
fn short_searches_end_ahead_of_every_reference_in_most_seeds() {
    for macs in [100e6, 300e6] {
        let leads: Vec<f64> = (0..10).map(|seed| lead_over_references("model", seed, macs)).collect();
        let ahead = leads.iter().filter(|lead| **lead > 0.0).count();
        assert!(ahead >= 8, "{macs:e}: {leads:.1?}");
    }
}

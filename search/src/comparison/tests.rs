use std::path::{Path, PathBuf};

use mnas_engine::evaluator::{Fidelity, FunctionEvaluator, TrialRequest};
use mnas_engine::front::hypervolume;
use mnas_engine::study::{
    EvaluatorConfig, Halving, RunOptions, Study, StudyConfig, StudyEvent, StudyFolder, TrainConfig, Trial, problem_of,
};
use mnas_engine::training::{DataRequest, OnCorrupt, Proxy, Recipe, TrainDevice};
use mnas_space::SearchSpace;

use super::*;

/// Accuracy that grows with the parameters and falls with the length of the training; weights are written where they are asked for.
#[expect(clippy::unnecessary_wraps, reason = "as the evaluator takes it")]
fn evaluate(trial: &TrialRequest) -> Result<f64, String> {
    if let Some(weights) = &trial.weights {
        std::fs::create_dir_all(weights.parent().unwrap()).unwrap();
        std::fs::write(weights, "weights").unwrap();
    }
    let length = if trial.fidelity == Fidelity::Full { 1.0 } else { 0.0 };
    Ok((trial.architecture.cost().params as f64).ln() / (1.0 + length))
}

/// A study of a small space whose accuracies follow from the network.
fn study(root: &Path, name: &str, strategy: &str, change: impl Fn(&mut StudyConfig)) -> PathBuf {
    let path = root.join(name);
    let toml = SearchSpace::embedded("mobilenet-small-images").unwrap();
    let mut config = StudyConfig::for_table(name, 20, strategy, "toy.csv");
    change(&mut config);
    let folder = StudyFolder::create(&path).unwrap();
    let problem = problem_of(&folder, &config, SearchSpace::from_toml(toml).unwrap()).unwrap();
    let mut study = Study::create(folder, config, problem, toml).unwrap();
    study.begin_session(Vec::new()).unwrap();
    let mut evaluator = FunctionEvaluator::new(evaluate);
    let mut ignore = |_: &StudyEvent<'_>| {};
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap();
    path
}

#[test]
fn courses_grow_to_the_front_of_the_study() {
    let place = tempfile::tempdir().unwrap();
    let paths = ["random", "nsga2"].map(|name| study(place.path(), name, name, |_| {}));
    let comparison = compare(&paths).unwrap();
    for compared in &comparison.studies {
        let steps = &compared.course.steps;
        assert_eq!(steps.len(), 20);
        assert!(steps.windows(2).all(|pair| {
            pair[0].hypervolume_percent <= pair[1].hypervolume_percent
                && pair[0].best <= pair[1].best
                && pair[0].seconds <= pair[1].seconds
                && pair[0].trials + 1 == pair[1].trials
        }));
        let last = steps.last().unwrap();
        assert_eq!(last.best, compared.best().and_then(Trial::accuracy));
        assert!(last.hypervolume_percent > 0.0 && last.hypervolume_percent <= 100.0);
        assert!(
            compared
                .trials_to_best()
                .is_some_and(|trials| (1..=20).contains(&trials))
        );
    }
    assert_eq!(comparison.studies[0].name, "random");
    let worst = comparison.studies.iter().flat_map(|study| study.state.trials());
    let worst = worst.filter_map(Trial::accuracy).fold(f64::INFINITY, f64::min);
    assert_eq!(comparison.reference_point[0].to_bits(), worst.to_bits());
    assert!(comparison.describe_reference_point().starts_with("accuracy "));
}

#[test]
fn studies_that_mean_other_things_do_not_compare() {
    let place = tempfile::tempdir().unwrap();
    let one = study(place.path(), "one", "random", |_| {});
    let refused = |other: &PathBuf| compare(&[one.clone(), other.clone()]).unwrap_err().to_string();
    let other = study(place.path(), "other", "random", |config| {
        config.objectives = vec!["accuracy".to_owned(), "params".to_owned()];
    });
    let message = refused(&other);
    assert!(
        message.contains("objectives differ (`accuracy, macs` and `accuracy, params`)"),
        "{message}"
    );
    let table = study(place.path(), "table", "random", |config| {
        config.evaluator = EvaluatorConfig::Table {
            path: "elsewhere.csv".into(),
        };
    });
    assert!(refused(&table).contains("accuracies differ (`recorded in toy.csv` and `recorded in elsewhere.csv`)"));
    assert!(refused(&one).contains("given twice"));
    assert!(refused(&place.path().join("none")).contains("holds no study"));
}

/// A study with successive halving in which longer trainings end with lower accuracies.
fn halving(root: &Path) -> PathBuf {
    let evaluator = TrainConfig {
        threads_per_worker: 1,
        train_device: TrainDevice::Cpu,
        libtorch: "2".to_owned(),
        data: DataRequest {
            path: "demo".into(),
            images: Some(100),
            val_fraction: 0.1,
            on_corrupt: OnCorrupt::Skip,
            seed: 4,
            memory_mb: None,
        },
        proxy: Proxy::DIRECT,
        recipe: Recipe::plain("test", 9, 16, 1.6),
        halving: Some(Halving {
            factor: 3,
            min_epochs: 1,
        }),
        signals: None,
        parent: None,
        finals: None,
        plan: None,
    };
    study(root, "halving", "random", |config| {
        config.evaluator = EvaluatorConfig::Train(Box::new(evaluator.clone()));
    })
}

#[test]
fn a_longer_training_replaces_the_shorter_one_of_its_network() {
    let place = tempfile::tempdir().unwrap();
    let comparison = compare(&[halving(place.path())]).unwrap();
    let compared = &comparison.studies[0];
    let last = compared.course.steps.last().unwrap();
    let best = compared.best().unwrap();
    assert_eq!(best.fidelity, Fidelity::Full);
    assert_eq!(last.best, best.accuracy());
    let shorter = compared.state.trials().iter().filter_map(Trial::accuracy);
    assert!(shorter.fold(f64::NEG_INFINITY, f64::max) > last.best.unwrap());
    // The hypervolume is that of the study's front.
    let points = compared.points();
    let front: Vec<Vec<f64>> = compared
        .front()
        .iter()
        .map(|trial| points[trial.number as usize].clone().unwrap())
        .collect();
    let as_minimised = |corner: &[f64]| vec![-corner[0], corner[1]];
    let (worst, ideal) = (
        as_minimised(&comparison.reference_point),
        as_minimised(&comparison.ideal_point),
    );
    let whole: f64 = worst.iter().zip(&ideal).map(|(worst, ideal)| worst - ideal).product();
    let expected = 100.0 * hypervolume(&front, &worst) / whole;
    assert!(
        (last.hypervolume_percent - expected).abs() < 1e-9,
        "{} {expected}",
        last.hypervolume_percent
    );
}

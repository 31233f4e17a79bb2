use std::path::{Path, PathBuf};

use mnas_engine::evaluator::FunctionEvaluator;
use mnas_engine::study::{EvaluatorConfig, RunOptions, Study, StudyConfig, StudyEvent, StudyFolder, Trial, problem_of};
use mnas_space::SearchSpace;

use super::*;

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
    let mut evaluator = FunctionEvaluator::new(|trial| Ok((trial.architecture.cost().params as f64).ln()));
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

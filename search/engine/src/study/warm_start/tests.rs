use super::*;
use crate::evaluator::FunctionEvaluator;
use crate::study::testing::{config, embedded};
use crate::study::{RunOptions, Study, StudyEvent, problem_of};

const SPACE: &str = "mobilenet-small-images";

/// A configuration of trainings without a device.
fn trainings() -> StudyConfig {
    StudyConfig {
        devices: Vec::new(),
        objectives: ["accuracy", "macs"].map(str::to_owned).to_vec(),
        ..config(1.0, 6, 1)
    }
}

fn images(fingerprint: &str) -> Ready {
    Ready {
        name: "images".to_owned(),
        description: format!("images {fingerprint}"),
        classes: Vec::new(),
        train: 1,
        val: 1,
        size: 8,
        demo: false,
        skipped: Vec::new(),
        fingerprint: fingerprint.to_owned(),
    }
}

/// Runs a study in which every third trial fails.
fn run(root: &Path, config: &StudyConfig) -> Study {
    let folder = StudyFolder::create(root).unwrap();
    let problem = problem_of(&folder, config, embedded(SPACE)).unwrap();
    let space = SearchSpace::embedded(SPACE).unwrap();
    let mut study = Study::create(folder, config.clone(), problem, space).unwrap();
    study.check_data(&images("a")).unwrap();
    let mut evaluator = FunctionEvaluator::new(|trial| {
        let has_failed = trial.trial % 3 == 2;
        let accuracy = (trial.architecture.id().0 % 1000) as f64 / 10.0;
        (!has_failed).then_some(accuracy).ok_or_else(|| "test".to_owned())
    });
    let mut ignore = |_: &StudyEvent<'_>| {};
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap();
    study
}

#[test]
fn finished_trials_are_taken_over_with_their_weights_and_references_stay_references() {
    let place = tempfile::tempdir().unwrap();
    let mut config = trainings();
    config.references.per_network = 1;
    let one = run(&place.path().join("one"), &config);
    std::fs::create_dir_all(place.path().join("one/weights")).unwrap();
    let candidate = one
        .state()
        .candidates()
        .find(|trial| trial.accuracy().is_some())
        .unwrap();
    std::fs::write(one.folder().weights(candidate.number), b"weights").unwrap();

    let root = place.path().join("two");
    let folder = StudyFolder::create(&root).unwrap();
    let problem = problem_of(&folder, &config, embedded(SPACE)).unwrap();
    let target = WarmStartTarget {
        root: &root,
        config: &config,
        problem: &problem,
        data: Some(&images("a")),
    };
    let warm_start = target.collect(&[place.path().join("one")]).unwrap();
    let space = SearchSpace::embedded(SPACE).unwrap();
    let study = Study::create_from(folder, config.clone(), problem, space, warm_start).unwrap();
    let finished = one.state().trials().iter().filter(|trial| trial.accuracy().is_some());
    let finished: Vec<&Trial> = finished.collect();
    assert_eq!(study.state().trials().len(), finished.len());
    assert_eq!(study.config().warm_start[0].trials, finished.len());
    for (taken, trial) in study.state().trials().iter().zip(&finished) {
        assert_eq!(
            (taken.id, taken.accuracy(), taken.seed),
            (trial.id, trial.accuracy(), trial.seed)
        );
        assert_eq!(taken.is_candidate(), trial.is_candidate());
        assert!(taken.is_settled() && taken.accuracy().is_some());
    }
    let counts = study.state().counts();
    assert_eq!(counts.candidates, 0);
    assert_eq!(counts.imported + counts.references, finished.len());
    let copied = study
        .state()
        .candidates()
        .find(|trial| trial.id == candidate.id)
        .unwrap();
    assert_eq!(
        std::fs::read(study.folder().weights(copied.number)).unwrap(),
        b"weights"
    );
    // The same references are not evaluated again, and neither are the candidates.
    drop(study);
    let mut study = Study::open(StudyFolder::open(&root).unwrap()).unwrap();
    let mut again = 0;
    let mut evaluator = FunctionEvaluator::new(|_| {
        again += 1;
        Ok(1.0)
    });
    let mut ignore = |_: &StudyEvent<'_>| {};
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap();
    drop(evaluator);
    let failed_references = one
        .state()
        .references()
        .filter(|trial| trial.accuracy().is_none())
        .count();
    assert_eq!(again, config.trials + failed_references);
}

#[test]
fn results_of_other_trainings_are_none_of_the_new_study() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("one");
    drop(run(&path, &trainings()));
    let refusal = |config: &StudyConfig, space: &str, data: &Ready| {
        let root = place.path().join("two");
        let folder = StudyFolder::create(&root).unwrap();
        let problem = problem_of(&folder, config, embedded(space)).unwrap();
        let target = WarmStartTarget {
            root: &root,
            config,
            problem: &problem,
            data: Some(data),
        };
        target
            .collect(std::slice::from_ref(&path))
            .err()
            .map(|error| error.to_string())
    };
    let same = trainings();
    assert_eq!(refusal(&same, SPACE, &images("a")), None);
    let change = |change: &dyn Fn(&mut StudyConfig)| {
        let mut config = trainings();
        change(&mut config);
        config
    };
    let recipe = change(&|config| {
        if let EvaluatorConfig::Train(training) = &mut config.evaluator {
            training.recipe.name = "other".to_owned();
        }
    });
    let table = change(&|config| {
        config.evaluator = EvaluatorConfig::Table {
            path: "none.csv".into(),
        }
    });
    let classes = change(&|config| config.classes = 7);
    for (config, space, data, expected) in [
        (
            &same,
            "mobilenet",
            "a",
            "the study searched space `mobilenet-small-images`, this one searches `mobilenet`",
        ),
        (
            &same,
            SPACE,
            "b",
            "it was trained on other images (images a, not images b)",
        ),
        (
            &recipe,
            SPACE,
            "a",
            "its recipe `test` is not the recipe `other` of this study",
        ),
        (&table, SPACE, "a", "none.csv"),
        (
            &classes,
            SPACE,
            "a",
            "its networks have 4 classes, those of this study 7",
        ),
    ] {
        let message = refusal(config, space, &images(data)).unwrap();
        assert!(message.contains(expected), "{message}");
    }
    // Devices, budgets, seeds and strategies may differ.
    let other = change(&|config| {
        config.seed = 9;
        config.limits.max_macs = Some(10);
    });
    assert_eq!(refusal(&other, SPACE, &images("a")), None);
}

use mnas_latency::Milliseconds;

use super::{ConfigError, StudyConfig};
use crate::strategy::StrategyConfig;
use crate::study::testing::config;
use crate::study::{EvaluatorConfig, TrainConfig, WarmStartConfig, WorkerConfig};
use crate::training::Proxy;

/// The trainings of a configuration, to be changed.
fn training(config: &mut StudyConfig) -> &mut TrainConfig {
    match &mut config.evaluator {
        EvaluatorConfig::Train(training) => training,
        EvaluatorConfig::Table { .. } | EvaluatorConfig::Proxy(_) => panic!("the test's configuration trains"),
    }
}

#[test]
fn a_configuration_is_read_back_as_it_was() {
    let plain = config(20.0, 100, 2);
    let mut other = StudyConfig {
        seed: i64::MAX as u64,
        strategy: StrategyConfig::Random {},
        name: "quotes \" and\nlines".to_owned(),
        ..config(0.1 + 0.2, 1, 1)
    };
    training(&mut other).proxy = Proxy {
        resolution_scale: 0.571_428_571_428_571_4,
        early_strides_removed: 2,
    };
    let mut bare = config(1e-3, 1, 1);
    training(&mut bare).data.images = None;
    let mut table = StudyConfig::for_table("table", 20, "evolution", "table.csv");
    table.limits.max_params = Some(4_000_000);
    table.workers = vec![
        WorkerConfig {
            command: Some("ssh board mnas worker".to_owned()),
            count: 2,
        },
        WorkerConfig {
            command: None,
            count: 1,
        },
    ];
    table.warm_start = vec![WarmStartConfig {
        study: "results/other".into(),
        trials: 12,
    }];
    for written in [plain, other, bare, table] {
        written.check().unwrap();
        let text = written.to_toml();
        assert_eq!(StudyConfig::from_toml(&text).unwrap(), written, "{text}");
    }
}

#[test]
fn unknown_keys_are_errors_with_a_place() {
    let text = config(20.0, 100, 2).to_toml();
    for (table, line) in [
        "trials =",
        "[[device]]",
        "[limits]",
        "[strategy.evolution]",
        "[evaluator.train]",
        "[evaluator.train.data]",
        "[evaluator.train.proxy]",
        "[evaluator.train.recipe]",
        "[references]",
    ]
    .iter()
    .map(|start| (start, text.lines().position(|line| line.starts_with(*start)).unwrap()))
    {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.insert(line + 1, "colour = 3");
        match StudyConfig::from_toml(&lines.join("\n")).unwrap_err() {
            ConfigError::Document(place) => {
                assert!(place.problem.contains("colour"), "{table}: {place}");
                assert_eq!(place.line, line + 2, "{table}");
            }
            error => panic!("{table}: {error}"),
        }
    }
    let error = StudyConfig::from_toml(&text.replace("trials = 100", "trials = \"many\"")).unwrap_err();
    assert!(matches!(error, ConfigError::Document(_)), "{error}");
    let error = StudyConfig::from_toml(&text.replace("budget = \"20ms\"", "budget = \"20\"")).unwrap_err();
    assert!(error.to_string().contains("ms"), "{error}");
}

#[test]
fn numbers_out_of_range_are_named() {
    let refused = |change: &dyn Fn(&mut StudyConfig)| {
        let mut config = config(20.0, 100, 2);
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    assert!(refused(&|config| config.trials = 0).contains("trials = 0"));
    assert!(refused(&|config| config.lookahead = 0).contains("lookahead = 0"));
    assert!(refused(&|config| training(config).threads_per_worker = 0).contains("threads-per-worker = 0"));
    assert!(refused(&|config| training(config).data.val_fraction = f64::NAN).contains("data.val-fraction = NaN"));
    assert!(refused(&|config| training(config).proxy.resolution_scale = 0.0).contains("proxy.resolution-scale = 0"));
    assert!(
        refused(&|config| training(config).proxy.early_strides_removed = 9).contains("proxy.early-strides-removed = 9")
    );
    assert!(refused(&|config| config.references.per_network = 65).contains("references.per-network = 65"));
    assert!(
        refused(&|config| config.strategy = StrategyConfig::Evolution {
            population: 0,
            sample: 1
        })
        .contains("population 0")
    );
    assert!(refused(&|config| training(config).recipe.epochs = 0).contains("epochs = 0"));
    for budget in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            refused(&|config| config.devices[0].budget = Some(Milliseconds(budget))).contains("budget = "),
            "{budget}"
        );
    }
}

#[test]
fn seeds_that_toml_cannot_hold_are_refused_and_not_a_panic() {
    for seed in [1 << 63, u64::MAX] {
        let error = StudyConfig {
            seed,
            ..config(20.0, 100, 2)
        }
        .check()
        .unwrap_err()
        .to_string();
        assert!(error.contains("seed"), "{error}");
        let mut config = config(20.0, 100, 2);
        training(&mut config).data.seed = seed;
        assert!(config.check().unwrap_err().to_string().contains("data.seed"));
    }
}

#[test]
fn unknown_objectives_and_devices_named_twice_are_refused() {
    let mut unknown = config(20.0, 100, 2);
    unknown.objectives.push("beauty".to_owned());
    let error = unknown.check().unwrap_err().to_string();
    assert!(error.contains("`beauty`") && error.contains("peak-memory"), "{error}");
    let mut twice = config(20.0, 100, 2);
    twice.devices.push(twice.devices[0].clone());
    let error = twice.check().unwrap_err().to_string();
    assert!(error.contains("fake") && error.contains("once"), "{error}");
}

#[test]
fn the_fidelity_names_what_was_trained() {
    let mut config = config(20.0, 100, 2);
    assert_eq!(
        config.fidelity(Some((90, 10))),
        "trained as deployed: 1 epoch on 90 images, validated on 10, recipe test"
    );
    training(&mut config).proxy = Proxy {
        resolution_scale: 0.5,
        early_strides_removed: 2,
    };
    let text = config.fidelity(None);
    assert_eq!(
        text,
        "proxy: 0.5x the deployed resolution, 2 early strides removed, 1 epoch, recipe test"
    );
    let table = StudyConfig::for_table("table", 20, "random", "table.csv");
    assert_eq!(table.fidelity(None), "accuracies recorded in table.csv");
}

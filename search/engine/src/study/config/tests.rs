use super::{ConfigError, StudyConfig};
use crate::strategy::StrategyConfig;
use crate::study::testing::config;
use crate::training::Proxy;

#[test]
fn a_configuration_is_read_back_as_it_was() {
    let plain = config(20.0, 100, 2);
    let other = StudyConfig {
        seed: i64::MAX as u64,
        strategy: StrategyConfig::Random {},
        proxy: Proxy {
            resolution_scale: 0.571_428_571_428_571_4,
            early_strides_removed: 2,
        },
        name: "quotes \" and\nlines".to_owned(),
        ..config(0.1 + 0.2, 1, 1)
    };
    let mut bare = config(1e-3, 1, 1);
    bare.data.images = None;
    for written in [plain, other, bare] {
        written.check().unwrap();
        let text = written.to_toml();
        assert_eq!(StudyConfig::from_toml(&text).unwrap(), written, "{text}");
    }
}

#[test]
fn unknown_keys_are_errors_with_a_place() {
    let text = config(20.0, 100, 2).to_toml();
    for (table, line) in [
        "budget =",
        "[strategy.evolution]",
        "[data]",
        "[proxy]",
        "[references]",
        "[recipe]",
        "[versions]",
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
    assert!(refused(&|config| config.in_flight = 0).contains("in-flight = 0"));
    assert!(refused(&|config| config.threads_per_worker = 0).contains("threads-per-worker = 0"));
    assert!(refused(&|config| config.data.val_fraction = f64::NAN).contains("data.val-fraction = NaN"));
    assert!(refused(&|config| config.proxy.resolution_scale = 0.0).contains("proxy.resolution-scale = 0"));
    assert!(refused(&|config| config.proxy.early_strides_removed = 9).contains("proxy.early-strides-removed = 9"));
    assert!(refused(&|config| config.references.per_network = 65).contains("references.per-network = 65"));
    assert!(
        refused(&|config| config.strategy = StrategyConfig::Evolution {
            population: 0,
            sample: 1
        })
        .contains("population 0")
    );
    assert!(refused(&|config| config.recipe.epochs = 0).contains("epochs = 0"));
    for budget in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            refused(&|config| config.budget.0 = budget).contains("budget = "),
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
        config.data.seed = seed;
        assert!(config.check().unwrap_err().to_string().contains("data.seed"));
    }
}

#[test]
fn fidelity_says_what_was_trained() {
    let direct = config(20.0, 100, 2);
    assert_eq!(
        direct.fidelity(90, 10),
        "trained as deployed: 1 epochs on 90 images, validated on 10, recipe test"
    );
    let proxy = Proxy {
        resolution_scale: 0.5,
        early_strides_removed: 2,
    };
    let text = StudyConfig { proxy, ..direct }.fidelity(90, 10);
    assert!(
        text.starts_with("proxy: 0.5x the deployed resolution, 2 early strides removed, "),
        "{text}"
    );
}

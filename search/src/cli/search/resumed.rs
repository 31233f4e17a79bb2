//! Choices for a resumed study: changes that it accepts, and contradictions to it.

use std::path::Path;

use mnas_engine::ranking::Score;
use mnas_engine::strategy::StrategyConfig;
use mnas_engine::study::{EvaluatorConfig, FinalsConfig, StudyConfig, StudyState, TrainConfig, WorkerConfig};
use mnas_latency::Milliseconds;

use super::super::error::CliError;
use super::choices::Choices;
use super::pretrained;
use super::recipes::{finals_of, recipe_of};
use super::settings::workers_of;
use super::values::{EvaluatorName, SignalsName};

/// The final trainings of a resumed study, where the choices change them: their number may always change, the recipe
/// until the first of them has begun.
pub fn resumed_finals(
    choices: &Choices,
    config: &StudyConfig,
    state: &StudyState,
) -> Result<Option<FinalsConfig>, CliError> {
    if choices.finalists.is_none() && !choices.names_final_training() {
        return Ok(None);
    }
    let Some(training) = config.training() else {
        return Err(CliError::usage(
            "this study trains no candidates, so it has no finalists; train a network with mnas train",
        ));
    };
    let stored = training.finals.as_ref();
    let default = if training.parent.is_some() {
        pretrained::RECIPE
    } else if training.data.path == Path::new("demo") {
        "demo"
    } else if training.proxy.is_direct() {
        "cifar"
    } else {
        "imagenette"
    };
    let mut asked = match (finals_of(choices, default)?, stored) {
        (Some(asked), _) => asked,
        (None, Some(stored)) => FinalsConfig {
            count: 0,
            recipe: stored.recipe.clone(),
            images: stored.images,
        },
        (None, None) => return Ok(None),
    };
    let Some(stored) = stored else {
        return Ok(Some(asked));
    };
    if choices.final_recipe.is_none() {
        asked.recipe = stored.recipe.clone();
        if let Some(epochs) = choices.final_epochs {
            asked.recipe.set_epochs(epochs);
        }
    }
    if choices.finalists.is_none() {
        asked.count = stored.count.max(1);
    }
    asked.images = asked.images.or(stored.images);
    let is_the_same = asked.recipe == stored.recipe && asked.images == stored.images;
    if !is_the_same && !state.finals().is_empty() {
        return Err(CliError::config(format!(
            "finalists of this study were trained with recipe {} of {} epochs; leave --final-recipe, --final-epochs and \
             --final-images out, or train single networks with mnas train",
            stored.recipe.name, stored.recipe.epochs
        )));
    }
    asked.recipe.check()?;
    Ok(Some(asked))
}

/// Changes to workers that a resumed study accepts: its results do not depend on them.
pub fn resumed_workers(choices: &Choices, config: &StudyConfig) -> Vec<WorkerConfig> {
    let asked = choices.workers.is_some() || choices.worker_command.is_some() || !choices.worker.is_empty();
    if asked {
        return workers_of(choices, choices.workers.unwrap_or(1).max(1));
    }
    config.workers.clone()
}

/// The choices that contradict an existing study, each with the study's value: `--seed 99 (the study has 0)`.
///
/// The number of trials, the workers and the time may change: a study's course does not depend on them.
pub fn contradictions(choices: &Choices, config: &StudyConfig, space: &str) -> Result<Vec<String>, CliError> {
    let mut found = Vec::new();
    let mut compare = |flag: &str, asked: Option<String>, stored: String| {
        if let Some(asked) = asked.filter(|asked| *asked != stored) {
            let stored = if stored.is_empty() { "none".to_owned() } else { stored };
            found.push(format!("{flag} {asked} (the study has {stored})"));
        }
    };
    compare("name", choices.name.clone(), config.name.clone());
    compare(
        "--seed",
        choices.seed.map(|seed| seed.to_string()),
        config.seed.to_string(),
    );
    compare(
        "--lookahead",
        choices.lookahead.map(|lookahead| lookahead.to_string()),
        config.lookahead.to_string(),
    );
    compare("--space", choices.space.clone(), space.to_owned());
    let joined = |list: &[String]| (!list.is_empty()).then(|| list.join(", "));
    compare("--objective", joined(&choices.objective), config.objectives.join(", "));
    compare("--device", joined(&choices.device), config.device_names().join(", "));
    let budgets = |budgets: &mut dyn Iterator<Item = Milliseconds>| {
        budgets
            .map(|budget| format!("{}ms", budget.0))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let asked = budgets(&mut choices.budget.iter().copied());
    let stored = budgets(&mut config.devices.iter().filter_map(|device| device.budget));
    compare("--budget", (!asked.is_empty()).then_some(asked), stored);
    compare(
        "--soft-budget",
        choices.soft_budget.map(|reward| reward.to_string()),
        config.reward.map_or_else(String::new, |reward| reward.to_string()),
    );
    compare(
        "--strategy",
        choices.strategy.clone(),
        config.strategy.name().to_owned(),
    );
    let studies = choices.warm_start.iter().map(|study| study.display().to_string());
    let begun_with = config.warm_start.iter().map(|one| one.study.display().to_string());
    compare(
        "--warm-start",
        joined(&studies.collect::<Vec<_>>()),
        begun_with.collect::<Vec<_>>().join(", "),
    );
    let references = choices.references.map(|references| references.to_string());
    compare("--references", references, config.references.per_network.to_string());
    let (asked, stored) = (choices.limits(), config.limits);
    for (flag, asked, stored) in [
        ("--max-params", asked.max_params, stored.max_params),
        ("--max-macs", asked.max_macs, stored.max_macs),
        (
            "--max-memory",
            asked.max_peak_activation_bytes,
            stored.max_peak_activation_bytes,
        ),
        ("--max-file-size", asked.max_file_bytes, stored.max_file_bytes),
    ] {
        let text = |number: Option<u64>| number.map(|number| number.to_string());
        compare(flag, text(asked), text(stored).unwrap_or_default());
    }
    if let Some(table) = choices.evolution {
        let asked = StrategyConfig::Evolution {
            population: table.population,
            sample: table.sample,
        };
        compare(
            "evolution",
            Some(format!("{asked:?}")),
            format!("{:?}", config.strategy),
        );
    }
    let profile_time = choices
        .profile_time
        .map(|time| humantime::format_duration(time).to_string());
    compare("--profile-time", profile_time, "its latency tables already".to_owned());
    let stored = match &config.evaluator {
        EvaluatorConfig::Train(training) if training.plan.is_some() => EvaluatorName::Auto,
        EvaluatorConfig::Train(_) => EvaluatorName::Train,
        EvaluatorConfig::Table { path } => EvaluatorName::Table(path.clone()),
        EvaluatorConfig::Proxy(scoring) => EvaluatorName::Proxy(scoring.score.clone()),
    };
    compare(
        "--evaluator",
        choices.evaluator.as_ref().map(ToString::to_string),
        stored.to_string(),
    );
    if let Some(training) = config.training() {
        compare_training(choices, training, &mut compare)?;
    }
    Ok(found)
}

fn compare_training(
    choices: &Choices,
    training: &TrainConfig,
    compare: &mut dyn FnMut(&str, Option<String>, String),
) -> Result<(), CliError> {
    let data = &training.data;
    let text = |number: Option<u64>| number.map(|number| number.to_string());
    let images = |images: Option<usize>| images.map(|images| images.to_string());
    let path = choices.data.as_ref().map(|path| path.display().to_string());
    compare("--data", path, data.path.display().to_string());
    compare(
        "--images",
        images(choices.images),
        images(data.images).unwrap_or_default(),
    );
    let fraction = choices.val_fraction.map(|fraction| fraction.to_string());
    compare("val-fraction", fraction, data.val_fraction.to_string());
    let on_corrupt = choices.on_corrupt.map(|choice| format!("{choice:?}").to_lowercase());
    compare(
        "--on-corrupt",
        on_corrupt,
        format!("{:?}", data.on_corrupt).to_lowercase(),
    );
    compare("data-seed", text(choices.data_seed), data.seed.to_string());
    compare(
        "memory-mb",
        text(choices.memory_mb),
        text(data.memory_mb).unwrap_or_default(),
    );
    let parent = training.parent.as_ref();
    let weights = choices.pretrained.as_deref().map(pretrained::absolute);
    compare(
        "--pretrained",
        weights.map(|path| path.display().to_string()),
        parent.map_or_else(String::new, |parent| parent.weights.display().to_string()),
    );
    let device = choices.train_device.map(|device| device.to_string());
    compare("--train-device", device, training.train_device.to_string());
    let threads = choices.threads_per_worker.map(|threads| threads.to_string());
    compare("--threads-per-worker", threads, training.threads_per_worker.to_string());
    let scale = choices.proxy_scale.map(|scale| scale.to_string());
    compare("--proxy-scale", scale, training.proxy.resolution_scale.to_string());
    if let Some(proxy) = choices.proxy {
        compare("proxy", Some(format!("{proxy:?}")), format!("{:?}", training.proxy));
    }
    let signals = training.signals.as_ref().map(|signals| Score::new(&signals.names));
    compare(
        "--signals",
        choices.signals.as_ref().map(ToString::to_string),
        signals.map_or(SignalsName::None, SignalsName::Named).to_string(),
    );
    compare(
        "--epochs",
        choices.epochs.map(|epochs| epochs.to_string()),
        training.recipe.epochs.to_string(),
    );
    let stored = training.halving;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    compare(
        "--halving",
        number(choices.halving),
        number(stored.map(|halving| halving.factor)).unwrap_or_default(),
    );
    compare(
        "--min-epochs",
        number(choices.min_epochs),
        number(stored.map(|halving| halving.min_epochs)).unwrap_or_default(),
    );
    if choices.recipe.is_some() || choices.recipe_table.is_some() {
        let mut asked = recipe_of(choices, &training.recipe.name)?;
        // Epochs are compared above.
        asked.set_epochs(training.recipe.epochs);
        let name = asked.name.clone();
        let stored = if asked == training.recipe {
            name.clone()
        } else {
            format!("another {}", training.recipe.name)
        };
        compare("--recipe", Some(name), stored);
    }
    Ok(())
}

//! From choices to a study's configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mnas_engine::evaluator::RecordedTable;
use mnas_engine::strategy::StrategyConfig;
use mnas_engine::study::{
    DeviceConfig, EvaluatorConfig, FinalsConfig, References, StudyConfig, StudyState, TrainConfig, WorkerConfig,
};
use mnas_engine::training::{DataRequest, Proxy, Recipe, TrainDevice};
use mnas_latency::Milliseconds;

use super::super::error::CliError;
use super::super::train::{num_cores, open_recipe};
use super::choices::{Choices, EvaluatorName};
use super::scoring;

/// Results that a proposal may lack where nothing else is said: enough to keep a few workers busy, few enough that strategies
/// learn early.
const LOOKAHEAD: usize = 4;

/// Time for measuring layers before a search.
pub(super) const PROFILE_TIME: Duration = Duration::from_mins(1);

/// Settings of one command: the study's configuration, and what is no part of it.
#[derive(Debug)]
pub struct Settings {
    /// The configuration; its classes, and the versions of its devices' runtimes, are found out by setting up.
    pub config: StudyConfig,
    /// Name or path of the search space.
    pub space: String,
    /// The table, where accuracies are recorded.
    pub table: Option<RecordedTable>,
    /// True if neither workers nor threads were asked for, and the cores of this machine train.
    pub workers_are_open: bool,
    /// The study's folder.
    pub out: PathBuf,
    /// Time for measuring layers.
    pub profile_time: Duration,
}

/// Facts about a data set that choose defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataFacts {
    /// True if it is the synthetic demo.
    pub is_demo: bool,
    /// True if its images are at most 64 px wide.
    pub is_small: bool,
}

/// Defaults by the kind of data.
struct Defaults {
    space: &'static str,
    recipe: &'static str,
    final_recipe: &'static str,
    proxy: Proxy,
    trials: usize,
    images: Option<usize>,
}

impl Defaults {
    /// The demo, and photographs: networks for 224 px, compared at a quarter of that. Small images: trained as deployed.
    fn of(data: DataFacts) -> Self {
        let quarter = Proxy {
            resolution_scale: 0.25,
            early_strides_removed: 0,
        };
        if data.is_demo {
            return Self {
                space: "mobilenet",
                recipe: "demo",
                final_recipe: "demo",
                proxy: quarter,
                trials: 16,
                images: Some(2500),
            };
        }
        let (space, recipe, final_recipe, proxy) = if data.is_small {
            ("mobilenet-small-images", "small-images", "cifar", Proxy::DIRECT)
        } else {
            ("mobilenet", "quick", "imagenette", quarter)
        };
        Self {
            space,
            recipe,
            final_recipe,
            proxy,
            trials: 24,
            images: None,
        }
    }
}

/// Resolves choices; `inspect` looks at a data set, `libtorch` is the version that trains.
pub fn resolve(
    choices: &Choices,
    libtorch: &str,
    inspect: &dyn Fn(&DataRequest) -> Result<DataFacts, CliError>,
) -> Result<Settings, CliError> {
    let settings = match choices.evaluator.as_ref().unwrap_or(&EvaluatorName::Train) {
        EvaluatorName::Train => of_trainings(choices, libtorch, inspect)?,
        EvaluatorName::Imagenet => return Err(CliError::failure("a search of predictions has no study")),
        EvaluatorName::Table(path) => of_table(choices, path)?,
        EvaluatorName::Proxy(score) => {
            scoring::refuse_other_flags(choices, score)?;
            let defaults = Defaults::of(inspect(&data_of(choices))?);
            scoring::settings_of(choices, score, libtorch, defaults.space)?
        }
    };
    settings.config.check()?;
    Ok(settings)
}

/// The study's folder: the one asked for, else one named by the study.
pub fn folder_of(choices: &Choices) -> Result<PathBuf, CliError> {
    if let Some(out) = &choices.out {
        return Ok(out.clone());
    }
    let devices = devices_of(choices)?;
    let source = match &choices.evaluator {
        Some(EvaluatorName::Table(path)) => path.clone(),
        _ => data_path(choices),
    };
    Ok(Path::new("results").join(study_name(choices, &source, &devices)))
}

fn of_trainings(
    choices: &Choices,
    libtorch: &str,
    inspect: &dyn Fn(&DataRequest) -> Result<DataFacts, CliError>,
) -> Result<Settings, CliError> {
    if choices.budget.is_empty() && choices.limits() == mnas_engine::study::Limits::default() {
        return Err(no_budget());
    }
    let devices = devices_of(choices)?;
    let mut data = data_of(choices);
    let defaults = Defaults::of(inspect(&data)?);
    data.images = data.images.or(defaults.images);
    let train_device = choices.train_device.unwrap_or_default();
    let workers = choices
        .workers
        .unwrap_or_else(|| default_workers(train_device, 1))
        .max(1);
    let workers_asked = choices.workers.is_some() || choices.threads_per_worker.is_some();
    let commands_asked = choices.worker_command.is_some() || !choices.worker.is_empty();
    let training = TrainConfig {
        threads_per_worker: choices.threads_per_worker.unwrap_or((num_cores() / workers).max(1)),
        train_device,
        libtorch: libtorch.to_owned(),
        proxy: proxy_of(choices, defaults.proxy),
        recipe: recipe_of(choices, defaults.recipe)?,
        finals: finals_of(choices, defaults.final_recipe)?,
        data,
    };
    let source = training.data.path.clone();
    Ok(Settings {
        config: StudyConfig {
            workers: workers_of(choices, workers),
            references: References {
                per_network: choices.references.unwrap_or(2),
            },
            evaluator: EvaluatorConfig::Train(Box::new(training)),
            ..common(choices, &source, devices, defaults.trials)?
        },
        space: choices.space.clone().unwrap_or_else(|| defaults.space.to_owned()),
        table: None,
        workers_are_open: !workers_asked && !commands_asked && train_device == TrainDevice::Cpu,
        out: folder_of(choices)?,
        profile_time: choices.profile_time.unwrap_or(PROFILE_TIME),
    })
}

/// The error of a search without any bound.
pub(super) fn no_budget() -> CliError {
    CliError::usage("no budget is given; say how long the network may take, such as --budget 20ms")
}

/// The images of the choices.
pub(super) fn data_of(choices: &Choices) -> DataRequest {
    DataRequest {
        path: data_path(choices),
        images: choices.images,
        val_fraction: choices.val_fraction.unwrap_or(0.1),
        on_corrupt: choices.on_corrupt.unwrap_or_default(),
        seed: choices.data_seed.or(choices.seed).unwrap_or(0),
        memory_mb: choices.memory_mb,
    }
}

fn of_table(choices: &Choices, path: &Path) -> Result<Settings, CliError> {
    let trains = [
        ("--data", choices.data.is_some()),
        ("--recipe", choices.recipe.is_some()),
        ("--epochs", choices.epochs.is_some()),
        ("--workers", choices.workers.is_some()),
        ("--worker-command", choices.worker_command.is_some()),
        ("--train-device", choices.train_device.is_some()),
        ("--finalists", choices.finalists.is_some_and(|count| count > 0)),
        ("--final-recipe", choices.final_recipe.is_some()),
        ("--final-epochs", choices.final_epochs.is_some()),
    ];
    if let Some((flag, _)) = trains.iter().find(|(_, given)| *given) {
        return Err(CliError::usage(format!(
            "{flag} is for trainings; accuracies come from {}",
            path.display()
        )));
    }
    let table = RecordedTable::read(path).map_err(|error| CliError::config(error.to_string()))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let space = choices.space.clone().or(is_json.then(|| "nas-bench-macro".to_owned()));
    let space = space.ok_or_else(|| CliError::usage("name the search space of the table's networks with --space"))?;
    let devices = devices_of(choices)?;
    Ok(Settings {
        config: StudyConfig {
            classes: table.classes(),
            references: References {
                per_network: choices.references.unwrap_or(0),
            },
            evaluator: EvaluatorConfig::Table {
                path: path.to_path_buf(),
            },
            ..common(choices, path, devices, 100)?
        },
        space,
        table: Some(table),
        workers_are_open: false,
        out: folder_of(choices)?,
        profile_time: choices.profile_time.unwrap_or(PROFILE_TIME),
    })
}

/// The parts of a configuration that do not depend on the evaluator.
pub(super) fn common(
    choices: &Choices,
    source: &Path,
    devices: Vec<(String, Option<Milliseconds>)>,
    default_trials: usize,
) -> Result<StudyConfig, CliError> {
    let trials = choices.trials.unwrap_or(default_trials);
    let names: Vec<String> = devices.iter().map(|(name, _)| name.clone()).collect();
    let objectives = if choices.objective.is_empty() {
        default_objectives(&names)
    } else {
        choices.objective.clone()
    };
    Ok(StudyConfig {
        name: study_name(choices, source, &devices),
        seed: choices.seed.unwrap_or(0),
        trials,
        lookahead: choices.lookahead.unwrap_or(LOOKAHEAD),
        // Found out by setting up.
        classes: 1,
        objectives,
        devices: devices
            .into_iter()
            .map(|(name, budget)| DeviceConfig {
                name,
                budget,
                runtime: String::new(),
            })
            .collect(),
        limits: choices.limits(),
        strategy: strategy_of(choices, trials)?,
        evaluator: EvaluatorConfig::Table { path: PathBuf::new() },
        references: References { per_network: 0 },
        workers: Vec::new(),
        warm_start: Vec::new(),
        mnas: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn default_objectives(devices: &[String]) -> Vec<String> {
    let costs = match devices {
        [] => vec!["macs".to_owned()],
        [_] => vec!["latency".to_owned()],
        several => several.iter().map(|name| format!("latency:{name}")).collect(),
    };
    std::iter::once("accuracy".to_owned()).chain(costs).collect()
}

fn devices_of(choices: &Choices) -> Result<Vec<(String, Option<Milliseconds>)>, CliError> {
    choices.devices(false)
}

fn data_path(choices: &Choices) -> PathBuf {
    choices.data.clone().unwrap_or_else(|| "demo".into())
}

fn study_name(choices: &Choices, source: &Path, devices: &[(String, Option<Milliseconds>)]) -> String {
    if let Some(name) = &choices.name {
        return name.clone();
    }
    let source = source
        .file_stem()
        .map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned());
    let budgets = devices
        .iter()
        .filter_map(|(_, budget)| budget.map(|budget| format!("-{}ms", budget.0)));
    source + &budgets.collect::<String>()
}

fn strategy_of(choices: &Choices, trials: usize) -> Result<StrategyConfig, CliError> {
    // Settings of a strategy choose it.
    let default = choices.evolution.map_or(StrategyConfig::DEFAULT, |_| "evolution");
    let name = choices.strategy.as_deref().unwrap_or(default);
    let strategy = StrategyConfig::named(name, trials).ok_or_else(|| {
        CliError::config(format!(
            "`{name}` is no strategy; expected one of {}",
            StrategyConfig::NAMES.join(", ")
        ))
    })?;
    match choices.evolution {
        Some(table) if name == "evolution" => Ok(StrategyConfig::Evolution {
            population: table.population,
            sample: table.sample,
        }),
        Some(_) => Err(CliError::config(format!(
            "[evolution] holds settings of another strategy than {name}; remove it, or choose strategy = \"evolution\""
        ))),
        None => Ok(strategy),
    }
}

fn recipe_of(choices: &Choices, default: &str) -> Result<Recipe, CliError> {
    let mut recipe = match (&choices.recipe, &choices.recipe_table) {
        (Some(name), _) => open_recipe(name)?,
        (None, Some(recipe)) => recipe.clone(),
        (None, None) => Recipe::embedded(default)?,
    };
    if let Some(epochs) = choices.epochs {
        recipe.set_epochs(epochs);
    }
    Ok(recipe)
}

/// Finalists where a recipe is named for them and no number.
const FINALISTS: usize = 3;

/// The final trainings, where they are asked for.
fn finals_of(choices: &Choices, default: &str) -> Result<Option<FinalsConfig>, CliError> {
    let is_named = choices.final_recipe.is_some() || choices.final_epochs.is_some();
    let count = choices.finalists.unwrap_or(if is_named { FINALISTS } else { 0 });
    if count == 0 {
        return Ok(None);
    }
    let mut recipe = open_recipe(choices.final_recipe.as_deref().unwrap_or(default))?;
    if let Some(epochs) = choices.final_epochs {
        recipe.set_epochs(epochs);
    }
    Ok(Some(FinalsConfig { count, recipe }))
}

/// The final trainings of a study that goes on, where the choices change them: their number may always change, the recipe
/// until the first of them has begun.
pub fn resumed_finals(
    choices: &Choices,
    config: &StudyConfig,
    state: &StudyState,
) -> Result<Option<FinalsConfig>, CliError> {
    if choices.finalists.is_none() && choices.final_recipe.is_none() && choices.final_epochs.is_none() {
        return Ok(None);
    }
    let Some(training) = config.training() else {
        return Err(CliError::usage(
            "this study trains no candidates, and no network of it to the end; train one with mnas train",
        ));
    };
    let stored = training.finals.as_ref();
    let default = if training.data.path == Path::new("demo") {
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
    if asked.recipe != stored.recipe && !state.finals().is_empty() {
        return Err(CliError::config(format!(
            "finalists of this study were trained with recipe {} of {} epochs; leave --final-recipe and --final-epochs out, or \
             train single networks with mnas train",
            stored.recipe.name, stored.recipe.epochs
        )));
    }
    asked.recipe.check()?;
    Ok(Some(asked))
}

fn proxy_of(choices: &Choices, default: Proxy) -> Proxy {
    let mut proxy = choices.proxy.unwrap_or(default);
    if let Some(scale) = choices.proxy_scale {
        proxy.resolution_scale = scale;
    }
    proxy
}

/// Workers by command; where none is named, `count` of this mnas.
pub(super) fn workers_of(choices: &Choices, count: usize) -> Vec<WorkerConfig> {
    if !choices.worker.is_empty() {
        return choices.worker.clone();
    }
    let command = choices.worker_command.clone();
    vec![WorkerConfig { command, count }]
}

/// Workers where nothing is measured: all cores have a thread; a GPU trains one network at a time.
fn default_workers(device: TrainDevice, threads: usize) -> usize {
    match device {
        TrainDevice::Cpu => (num_cores() / threads.max(1)).max(1),
        TrainDevice::Cuda(_) => 1,
    }
}

/// Changes to workers that a resumed study accepts: they decide nothing.
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
    let device = choices.train_device.map(|device| device.to_string());
    compare("--train-device", device, training.train_device.to_string());
    let threads = choices.threads_per_worker.map(|threads| threads.to_string());
    compare("--threads-per-worker", threads, training.threads_per_worker.to_string());
    let scale = choices.proxy_scale.map(|scale| scale.to_string());
    compare("--proxy-scale", scale, training.proxy.resolution_scale.to_string());
    if let Some(proxy) = choices.proxy {
        compare("proxy", Some(format!("{proxy:?}")), format!("{:?}", training.proxy));
    }
    compare(
        "--epochs",
        choices.epochs.map(|epochs| epochs.to_string()),
        training.recipe.epochs.to_string(),
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

//! Settings of one search, and their parts that do not depend on the source of accuracies.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mnas_engine::evaluator::RecordedTable;
use mnas_engine::problem::Reward;
use mnas_engine::strategy::StrategyConfig;
use mnas_engine::study::{DeviceConfig, EvaluatorConfig, References, StudyConfig, WorkerConfig};
use mnas_engine::training::DataRequest;
use mnas_latency::Milliseconds;
use mnas_space::SearchSpace;

use super::super::error::CliError;
use super::super::space;
use super::automatic::Automatic;
use super::choices::Choices;
use super::values::EvaluatorName;

/// Default of `lookahead`: enough to keep a few workers busy, few enough that strategies learn early.
const LOOKAHEAD: usize = 4;

/// Time for measuring layers before a search.
pub(super) const PROFILE_TIME: Duration = Duration::from_mins(1);

/// Settings of one command: the study's configuration, and settings outside of it.
#[derive(Debug)]
pub struct Settings {
    /// The configuration; its classes, and the versions of its devices' runtimes, are determined during the set-up.
    pub config: StudyConfig,
    /// The search space.
    pub space: SpaceSource,
    /// The table, where accuracies are recorded.
    pub table: Option<RecordedTable>,
    /// True if neither workers nor threads were given, and the cores of this machine train.
    pub workers_are_open: bool,
    /// The study's folder.
    pub out: PathBuf,
    /// Time for measuring layers.
    pub profile_time: Duration,
    /// The time that decides the trainings, where one does.
    pub automatic: Option<Automatic>,
}

/// Source of a search space.
#[derive(Debug)]
pub enum SpaceSource {
    /// Name or path.
    Named(String),
    /// TOML text that was generated for this search.
    Generated(String),
}

impl SpaceSource {
    /// The space and its text.
    pub fn open(&self) -> Result<(SearchSpace, String), CliError> {
        match self {
            Self::Named(name) => space::open(name),
            Self::Generated(text) => match SearchSpace::from_toml(text) {
                Ok(space) => Ok((space, text.clone())),
                Err(error) => Err(CliError::document(Path::new("space around the parent"), text, &error)),
            },
        }
    }
}

/// The study's folder: that of `--out`, else one named by the study.
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

/// The error of a search without any bound.
pub(super) fn no_budget() -> CliError {
    CliError::usage("no budget is given; give the largest latency of the network, such as --budget 20ms")
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
        lookahead: choices.lookahead.unwrap_or_else(|| default_lookahead(choices)),
        // Determined during the set-up.
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
        reward: reward_of(choices)?,
        strategy: strategy_of(choices, trials)?,
        evaluator: EvaluatorConfig::Table { path: PathBuf::new() },
        references: References { per_network: 0 },
        workers: Vec::new(),
        warm_start: Vec::new(),
        mnas: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// With successive halving a training may last as long as several others, which go on meanwhile.
fn default_lookahead(choices: &Choices) -> usize {
    LOOKAHEAD * choices.halving.unwrap_or(1).clamp(1, 16) as usize
}

/// The reward, where budgets are weighed.
fn reward_of(choices: &Choices) -> Result<Option<Reward>, CliError> {
    let Some(reward) = choices.soft_budget else {
        return Ok(None);
    };
    if choices.budget.is_empty() {
        return Err(CliError::usage(
            "--soft-budget weighs a budget, and none is given; say which, such as --budget 20ms",
        ));
    }
    match choices.strategy.as_deref() {
        Some("nsga2") => Err(CliError::usage(
            "--soft-budget searches for the one network of the highest reward, --strategy nsga2 for a front; leave one of the two \
             out, or choose model, evolution, local or random",
        )),
        _ => Ok(Some(reward)),
    }
}

fn default_objectives(devices: &[String]) -> Vec<String> {
    let costs = match devices {
        [] => vec!["macs".to_owned()],
        [_] => vec!["latency".to_owned()],
        several => several.iter().map(|name| format!("latency:{name}")).collect(),
    };
    std::iter::once("accuracy".to_owned()).chain(costs).collect()
}

/// Devices with their budgets.
pub(super) fn devices_of(choices: &Choices) -> Result<Vec<(String, Option<Milliseconds>)>, CliError> {
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
            "`{name}` is not a strategy; expected one of {}",
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

/// Workers by command; where none is named, `count` of this mnas.
pub(super) fn workers_of(choices: &Choices, count: usize) -> Vec<WorkerConfig> {
    if !choices.worker.is_empty() {
        return choices.worker.clone();
    }
    let command = choices.worker_command.clone();
    vec![WorkerConfig { command, count }]
}

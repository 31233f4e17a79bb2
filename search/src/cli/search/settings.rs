//! From flags and a configuration file to a study's configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use mnas_latency::{Milliseconds, parse_latency};
use mnas_space::parse_toml;
use serde::Deserialize;

use super::super::data::Corrupt;
use super::super::device::TableArguments;
use super::super::error::CliError;
use super::super::train::{num_cores, open_recipe};
use crate::worker_client;
use mnas_engine::files;
use mnas_engine::strategy::StrategyConfig;
use mnas_engine::study::{References, StudyConfig, Versions};
use mnas_engine::training::DataRequest;
use mnas_engine::training::OnCorrupt;
use mnas_engine::training::Proxy;
use mnas_engine::training::{Recipe, TrainDevice};
use mnas_engine::worker::LIBTORCH_VERSION;

/// `mnas search`
#[derive(Debug, Args)]
pub struct SearchArguments {
    /// Latency budget with its unit, such as 20ms; slower networks are never trained
    #[arg(long, value_parser = parse_latency)]
    pub budget: Option<Milliseconds>,
    /// The device: a name, or the path of a TOML file [default: host]
    #[arg(long)]
    pub device: Option<String>,
    /// The search space: a name, or the path of a TOML file [default: by the data]
    #[arg(long)]
    pub space: Option<String>,
    /// An image folder, Parquet files, CIFAR binaries, IDX files, or `demo` [default: demo]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// At most so many images per split
    #[arg(long, value_name = "N")]
    pub images: Option<usize>,
    /// What to do about corrupt images [default: refuse]
    #[arg(long, value_enum)]
    pub on_corrupt: Option<Corrupt>,
    /// A recipe that comes with mnas (demo, quick, small-images), or a TOML file [default: by the data]
    #[arg(long)]
    pub recipe: Option<String>,
    /// Epochs of each training, in place of the recipe's
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Training resolution as a share of the deployed one; 1 trains what is deployed [default: by the data]
    #[arg(long, value_name = "SHARE")]
    pub proxy_scale: Option<f64>,
    /// How accuracies are found
    #[arg(long, value_enum, default_value_t = Evaluator::Train)]
    pub evaluator: Evaluator,
    /// What to try next [default: evolution]
    #[arg(long, value_enum)]
    pub strategy: Option<StrategyName>,
    /// How many candidates to train [default: 16 for the demo, else 24]
    #[arg(long)]
    pub trials: Option<usize>,
    /// Begin no trial after this time, such as 2h
    #[arg(long, value_parser = humantime::parse_duration)]
    pub time: Option<Duration>,
    /// Every random draw follows from it [default: 0]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Worker processes [default: as many as are found to train on most images a second, by measuring]
    #[arg(long)]
    pub workers: Option<usize>,
    /// Where candidates are trained: cpu, cuda, or cuda:N [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub train_device: Option<TrainDevice>,
    /// How a worker is started, words split at spaces [default: this program]
    #[arg(long, value_name = "COMMAND")]
    pub worker_command: Option<String>,
    /// Points of each published network to train beside the candidates [default: 2]
    #[arg(long, value_name = "N")]
    pub references: Option<usize>,
    /// Time for measuring layers before the search, such as 3m; what is left is predicted
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    pub profile_time: Duration,
    /// The study's folder [default: results/<data>-<budget>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the study in the folder
    #[arg(long)]
    pub resume: bool,
    /// Say what would be done and stop before any training
    #[arg(long)]
    pub dry_run: bool,
    /// A TOML file that says anything the flags say; flags win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub tables: TableArguments,
}

/// How accuracies are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Evaluator {
    /// Every candidate is trained
    Train,
}

/// A strategy by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StrategyName {
    /// Independent draws
    Random,
    /// Regularised evolution
    Evolution,
}

/// The configuration file of `--config`: every key is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SearchFile {
    name: Option<String>,
    budget: Option<Milliseconds>,
    device: Option<String>,
    space: Option<String>,
    strategy: Option<StrategyConfig>,
    trials: Option<usize>,
    in_flight: Option<usize>,
    threads_per_worker: Option<usize>,
    train_device: Option<TrainDevice>,
    seed: Option<u64>,
    references: Option<References>,
    proxy: Option<Proxy>,
    recipe: Option<RecipeChoice>,
    data: Option<DataTable>,
}

/// `recipe = { named = "quick" }`, where the name may be a file's path, or `{ inline = { … } }`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum RecipeChoice {
    Named(String),
    Inline(Box<Recipe>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DataTable {
    path: Option<PathBuf>,
    images: Option<usize>,
    val_fraction: Option<f64>,
    on_corrupt: Option<OnCorrupt>,
    seed: Option<u64>,
    memory_mb: Option<u64>,
}

/// What a search is set up with, apart from the study's own configuration.
#[derive(Debug)]
pub struct Settings {
    pub config: StudyConfig,
    pub space: String,
    pub workers: usize,
    /// Neither workers nor threads were asked for, and the cores of this machine train.
    pub workers_are_open: bool,
    pub out: PathBuf,
}

/// What fits a kind of data where nothing else is said.
struct Defaults {
    space: &'static str,
    recipe: &'static str,
    proxy: Proxy,
    trials: usize,
    images: Option<usize>,
}

impl Defaults {
    /// The demo, and photographs: networks for 224 px, compared at a quarter of that. Small images: trained as deployed.
    fn of(data: &DataRequest) -> Result<Self, CliError> {
        let found = worker_client::inspect(data)?;
        let quarter = Proxy {
            resolution_scale: 0.25,
            early_strides_removed: 0,
        };
        if found.demo {
            let (space, recipe) = ("mobilenet", "demo");
            return Ok(Self {
                space,
                recipe,
                proxy: quarter,
                trials: 16,
                images: Some(2500),
            });
        }
        if found.side.is_some_and(|side| side <= 64) {
            let (space, recipe) = ("mobilenet-small-images", "small-images");
            return Ok(Self {
                space,
                recipe,
                proxy: Proxy::DIRECT,
                trials: 24,
                images: None,
            });
        }
        Ok(Self {
            space: "mobilenet",
            recipe: "quick",
            proxy: quarter,
            trials: 24,
            images: None,
        })
    }
}

impl SearchArguments {
    /// Everything said by flags and file, completed by what fits the data.
    pub fn settings(&self, runtime: &dyn Fn(&str) -> Result<String, CliError>) -> Result<Settings, CliError> {
        let file = self.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let Some(budget) = self.budget.or(file.budget) else {
            return Err(CliError::usage(
                "no budget is given; say how long the network may take, such as --budget 20ms",
            ));
        };
        let seed = self.seed.or(file.seed).unwrap_or(0);
        let table = file.data.unwrap_or_default();
        let mut data = DataRequest {
            path: self.data.clone().or(table.path).unwrap_or_else(|| "demo".into()),
            images: self.images.or(table.images),
            val_fraction: table.val_fraction.unwrap_or(0.1),
            on_corrupt: self.on_corrupt.map(Into::into).or(table.on_corrupt).unwrap_or_default(),
            seed: table.seed.unwrap_or(seed),
            memory_mb: table.memory_mb,
        };
        let defaults = Defaults::of(&data)?;
        data.images = data.images.or(defaults.images);
        let trials = self.trials.or(file.trials).unwrap_or(defaults.trials);
        let strategy = match (self.strategy, file.strategy) {
            (Some(StrategyName::Random), _) => StrategyConfig::Random {},
            (Some(StrategyName::Evolution), _) | (None, None) => StrategyConfig::evolution_for(trials),
            (None, Some(strategy)) => strategy,
        };
        let mut recipe = match (&self.recipe, file.recipe) {
            (Some(name), _) => open_recipe(name)?,
            (None, Some(RecipeChoice::Named(name))) => open_recipe(&name)?,
            (None, Some(RecipeChoice::Inline(recipe))) => *recipe,
            (None, None) => Recipe::embedded(defaults.recipe)?,
        };
        if let Some(epochs) = self.epochs {
            recipe.set_epochs(epochs);
        }
        let mut proxy = file.proxy.unwrap_or(defaults.proxy);
        if let Some(scale) = self.proxy_scale {
            proxy.resolution_scale = scale;
        }
        let device = self.device.clone().or(file.device).unwrap_or_else(|| "host".to_owned());
        let train_device = self.train_device.or(file.train_device).unwrap_or_default();
        let workers = self.workers.unwrap_or_else(|| default_workers(train_device, 1)).max(1);
        let asked = self.workers.is_some() || file.threads_per_worker.is_some();
        let workers_are_open = !asked && self.worker_command.is_none() && train_device == TrainDevice::Cpu;
        let data_name = data
            .path
            .file_name()
            .map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned());
        let name = file.name.unwrap_or_else(|| format!("{data_name}-{}ms", budget.0));
        let out = self.out.clone().unwrap_or_else(|| Path::new("results").join(&name));
        let config = StudyConfig {
            name,
            seed,
            budget,
            trials,
            in_flight: file.in_flight.unwrap_or(2 * workers),
            threads_per_worker: file.threads_per_worker.unwrap_or((num_cores() / workers).max(1)),
            train_device,
            strategy,
            data,
            proxy,
            references: References {
                per_network: self
                    .references
                    .or(file.references.map(|references| references.per_network))
                    .unwrap_or(2),
            },
            recipe,
            versions: Versions {
                mnas: env!("CARGO_PKG_VERSION").to_owned(),
                libtorch: LIBTORCH_VERSION.to_owned(),
                runtime: runtime(&device)?,
            },
            device,
        };
        config.check()?;
        let space = self
            .space
            .clone()
            .or(file.space)
            .unwrap_or_else(|| defaults.space.to_owned());
        Ok(Settings {
            config,
            space,
            workers,
            workers_are_open,
            out,
        })
    }

    /// The folder of the study to go on with.
    pub fn folder_to_resume(&self) -> Result<PathBuf, CliError> {
        if let Some(out) = &self.out {
            return Ok(out.clone());
        }
        self.settings(&|_| Ok(String::new())).map(|settings| settings.out)
    }
}

/// Workers where nothing is measured: all cores have a thread; a GPU trains one network at a time.
pub fn default_workers(device: TrainDevice, threads: usize) -> usize {
    match device {
        TrainDevice::Cpu => (num_cores() / threads.max(1)).max(1),
        TrainDevice::Cuda(_) => 1,
    }
}

fn read_file(path: &Path) -> Result<SearchFile, CliError> {
    let text = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
    parse_toml(&text).map_err(|error| CliError::document(path, &text, &error))
}

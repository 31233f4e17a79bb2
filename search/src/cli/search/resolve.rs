//! Resolution of choices into the settings of a search.

use std::path::Path;

use mnas_engine::evaluator::RecordedTable;
use mnas_engine::study::{EvaluatorConfig, References, StudyConfig, TrainConfig};
use mnas_engine::training::{DataRequest, Proxy, TrainDevice};

use super::super::error::CliError;
use super::super::train::{num_cores, open_recipe};
use super::automatic::{self, Automatic};
use super::choices::Choices;
use super::pretrained::{self, Parent};
use super::recipes::{finals_of, halving_of, recipe_of};
use super::scoring;
use super::settings::{
    PROFILE_TIME, Settings, SpaceSource, common, data_of, devices_of, folder_of, no_budget, workers_of,
};
use super::signals;
use super::values::EvaluatorName;

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
    /// Defaults of networks that inherit: photographs at the resolution of their parent, for which its weights were trained.
    fn inheriting(self) -> Self {
        Self {
            recipe: pretrained::RECIPE,
            final_recipe: pretrained::RECIPE,
            proxy: Proxy::DIRECT,
            ..self
        }
    }

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
                trials: 12,
                images: Some(2000),
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

/// Resolves choices; `inspect` recognises a data set, `libtorch` is the version that trains.
pub fn resolve(
    choices: &Choices,
    libtorch: &str,
    inspect: &dyn Fn(&DataRequest) -> Result<DataFacts, CliError>,
) -> Result<Settings, CliError> {
    pretrained::refuse_contradictions(choices)?;
    let default = automatic::default_evaluator(choices);
    let settings = match choices.evaluator.as_ref().unwrap_or(&default) {
        EvaluatorName::Train => of_trainings(choices, libtorch, inspect)?,
        EvaluatorName::Auto => of_time(choices, libtorch, inspect)?,
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
    let parent = Parent::of(choices)?;
    let mut defaults = Defaults::of(inspect(&data)?);
    if parent.is_some() {
        defaults = defaults.inheriting();
    }
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
        halving: halving_of(choices)?,
        // Follow from the strategy.
        signals: None,
        parent: parent.as_ref().map(|parent| parent.config(choices)).transpose()?,
        finals: finals_of(choices, defaults.final_recipe)?,
        plan: None,
        data,
    };
    let common = common(choices, &training.data.path, devices, defaults.trials)?;
    let training = TrainConfig {
        signals: signals::config_of(choices, common.strategy)?,
        ..training
    };
    Ok(Settings {
        config: StudyConfig {
            workers: workers_of(choices, workers),
            references: References {
                per_network: choices.references.unwrap_or(2),
            },
            evaluator: EvaluatorConfig::Train(Box::new(training)),
            ..common
        },
        space: space_of(choices, parent.as_ref(), defaults.space),
        table: None,
        workers_are_open: !workers_asked && !commands_asked && train_device == TrainDevice::Cpu,
        out: folder_of(choices)?,
        profile_time: choices.profile_time.unwrap_or(PROFILE_TIME),
        automatic: None,
    })
}

/// The space of the choices, else the one around the parent, else the default.
fn space_of(choices: &Choices, parent: Option<&Parent>, default: &str) -> SpaceSource {
    match (&choices.space, parent) {
        (Some(name), _) => SpaceSource::Named(name.clone()),
        (None, Some(parent)) => SpaceSource::Generated(parent.space()),
        (None, None) => SpaceSource::Named(default.to_owned()),
    }
}

/// Settings of trainings whose number and length a plan of the time decides; until then they are those of trainings without one.
fn of_time(
    choices: &Choices,
    libtorch: &str,
    inspect: &dyn Fn(&DataRequest) -> Result<DataFacts, CliError>,
) -> Result<Settings, CliError> {
    let total = automatic::time_of(choices)?;
    let defaults = Defaults::of(inspect(&data_of(choices))?);
    let mut settings = of_trainings(choices, libtorch, inspect)?;
    if choices.references.is_none() {
        settings.config.references.per_network = automatic::REFERENCES;
    }
    let limit = settings.config.training().and_then(|training| training.data.images);
    settings.automatic = Some(Automatic {
        total,
        finalists: choices.finalists,
        final_recipe: choices.final_recipe.as_deref().map(open_recipe).transpose()?,
        default_final_recipe: open_recipe(defaults.final_recipe)?,
        final_images: choices.final_images.or(limit),
    });
    Ok(settings)
}

fn of_table(choices: &Choices, path: &Path) -> Result<Settings, CliError> {
    let trains = [
        ("--data", choices.data.is_some()),
        ("--recipe", choices.recipe.is_some()),
        ("--epochs", choices.epochs.is_some()),
        ("--workers", choices.workers.is_some()),
        ("--worker-command", choices.worker_command.is_some()),
        ("--train-device", choices.train_device.is_some()),
        ("--signals", choices.signals.is_some()),
    ];
    let trains = trains.into_iter().chain(choices.halving_flags());
    let mut trains = trains.chain(choices.finalist_flags());
    if let Some((flag, _)) = trains.find(|(_, given)| *given) {
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
        space: SpaceSource::Named(space),
        table: Some(table),
        workers_are_open: false,
        out: folder_of(choices)?,
        profile_time: choices.profile_time.unwrap_or(PROFILE_TIME),
        automatic: None,
    })
}

fn proxy_of(choices: &Choices, default: Proxy) -> Proxy {
    let mut proxy = choices.proxy.unwrap_or(default);
    if let Some(scale) = choices.proxy_scale {
        proxy.resolution_scale = scale;
    }
    proxy
}

/// Workers where nothing is measured: all cores have a thread; a GPU trains one network at a time.
fn default_workers(device: TrainDevice, threads: usize) -> usize {
    match device {
        TrainDevice::Cpu => (num_cores() / threads.max(1)).max(1),
        TrainDevice::Cuda(_) => 1,
    }
}

//! `mnas search --pretrained`: the pretrained network, and its fine-tuning before the search.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use mnas_engine::files;
use mnas_engine::study::{ParentConfig, StudyConfig, StudyFolder};
use mnas_engine::training::Recipe;
use mnas_engine::training::weights::Pretrained;
use mnas_engine::worker::{CheckpointRequest, FromWorker, ToWorker, TrainRequest};
use mnas_space::random::derived_seed;
use mnas_space::{Architecture, SearchSpace, space_around};

use super::super::architecture::FormArguments;
use super::super::error::CliError;
use super::super::train::{Companions, FINE_TUNING, TrainingProgress, load_images, num_cores, open_recipe_for};
use super::choices::Choices;
use super::images::absolute_data;
use super::values::EvaluatorName;
use crate::report::Printer;
use crate::worker_client::{WorkerClient, WorkerError};

/// Recipe of networks that inherit, where none is named; as it is for candidates, longer for finalists.
pub(super) const RECIPE: &str = "inherit";
/// Epochs of the fine-tuning of the parent and of the finalists, where neither a recipe nor epochs are named for the latter.
pub(super) const FULL_EPOCHS: u32 = 10;

/// The pretrained network that the choices name.
#[derive(Debug)]
pub(super) struct Parent {
    architecture: Architecture,
    name: String,
    weights: PathBuf,
}

impl Parent {
    /// The network of `--pretrained` and `--parent`, its weights read and compared with it; `None` without `--pretrained`.
    pub fn of(choices: &Choices) -> Result<Option<Self>, CliError> {
        refuse_contradictions(choices)?;
        let Some(weights) = &choices.pretrained else {
            return Ok(None);
        };
        let form = FormArguments::at(choices.parent_resolution);
        let named = choices.parent.as_deref().map(|text| form.resolve(text)).transpose()?;
        let read = Pretrained::read(weights, named.map(|(architecture, _)| architecture).as_ref())?;
        let stem = weights.file_stem().unwrap_or_default();
        let name = choices
            .parent
            .clone()
            .filter(|text| !text.contains(','))
            .unwrap_or_else(|| stem.to_string_lossy().into_owned());
        let resolution = choices.parent_resolution.unwrap_or(read.architecture.resolution);
        Ok(Some(Self {
            architecture: read.architecture.with_resolution(resolution),
            name,
            weights: absolute(weights),
        }))
    }

    /// TOML text of the search space around the network.
    pub fn space(&self) -> String {
        space_around(&self.architecture, &format!("around {}", self.name))
    }

    /// The network as part of a study, fine-tuned with the recipe of the finalists where one is named.
    pub fn config(&self, choices: &Choices) -> Result<ParentConfig, CliError> {
        Ok(ParentConfig {
            architecture: self.architecture.to_string(),
            weights: self.weights.clone(),
            recipe: full_recipe_or(FINE_TUNING, choices)?,
        })
    }
}

/// The recipe of the finalists of a search with a parent.
pub(super) fn full_recipe(choices: &Choices) -> Result<Recipe, CliError> {
    full_recipe_or(RECIPE, choices)
}

/// The recipe of final trainings, `default` where none is named.
fn full_recipe_or(default: &str, choices: &Choices) -> Result<Recipe, CliError> {
    let name = choices.final_recipe.as_deref();
    let epochs = choices.final_epochs.or(name.is_none().then_some(FULL_EPOCHS));
    open_recipe_for(name.unwrap_or(default), epochs)
}

/// Refuses choices that have no meaning with or without a pretrained network.
pub(super) fn refuse_contradictions(choices: &Choices) -> Result<(), CliError> {
    if choices.pretrained.is_none() {
        let of_parent = [
            ("--parent", choices.parent.is_some()),
            ("--parent-resolution", choices.parent_resolution.is_some()),
        ];
        return match of_parent.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(CliError::usage(format!(
                "{flag} is for a search from a pretrained network; give its weights with --pretrained"
            ))),
            None => Ok(()),
        };
    }
    match &choices.evaluator {
        None | Some(EvaluatorName::Train) => {}
        Some(other) => {
            return Err(CliError::usage(format!(
                "--pretrained is for networks that are trained, --evaluator {other} is another source of accuracies; leave one of the \
                 two out"
            )));
        }
    }
    if choices.warm_start.is_empty() {
        return Ok(());
    }
    Err(CliError::usage(
        "--warm-start takes results over of networks that inherited from another parent; leave it or --pretrained out",
    ))
}

/// Refuses a space that does not contain the parent of a study.
pub(super) fn check_space(config: &StudyConfig, space: &SearchSpace) -> Result<(), CliError> {
    let Some(parent) = config.parent() else { return Ok(()) };
    if space.contains(&parent) {
        return Ok(());
    }
    Err(CliError::config(format!(
        "space {} does not contain the pretrained network {parent}",
        space.name
    ))
    .with_help("leave --space out to search the space around it, which `mnas space --around` writes for changes"))
}

/// Fine-tunes the parent of a study on its images, where there is one and it is not done yet.
pub(super) fn fine_tune(
    config: &StudyConfig,
    folder: &StudyFolder,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<(), CliError> {
    let Some((training, parent, architecture)) = config
        .training()
        .and_then(|training| Some((training, training.parent.as_ref()?, config.parent()?)))
    else {
        return Ok(());
    };
    let weights = absolute(&folder.parent_weights());
    let companions = Companions::of(&weights);
    let prepare = ToWorker::Prepare {
        data: absolute_data(&training.data),
        resolution: training.proxy.resolution(architecture.resolution),
        augmentation: parent.recipe.augmentation,
        threads: num_cores(),
    };
    let train = ToWorker::Train(Box::new(TrainRequest {
        architecture: architecture.with_classes(config.classes).to_string(),
        proxy: training.proxy,
        recipe: parent.recipe.clone(),
        seed: derived_seed(config.seed, "parent", 0),
        start_from: None,
        parent: Some(parent.original()),
        normalization: None,
        weights: Some(weights.clone()),
        checkpoint: Some(CheckpointRequest::of_trial(companions.checkpoint.clone())),
        validate_every_epoch: true,
        test: false,
    }));
    // Weights of an attempt that was interrupted later are those of the same requests only.
    let record = folder.parent().join("requests.json");
    let requests = serde_json::to_vec_pretty(&[&prepare, &train]).map_err(std::io::Error::from)?;
    if weights.exists() && std::fs::read(&record).is_ok_and(|before| before == requests) {
        printer.status("the parent is fine-tuned already");
        return Ok(());
    }
    files::create_folder(&folder.parent())?;
    files::remove_if_there(&weights)?;
    let mut worker = WorkerClient::start(training.train_device)?;
    let ready = load_images(&mut worker, &prepare, cancel, printer)?;
    let subtitle = [
        ready.description,
        format!("recipe {}, from {}", parent.recipe.name, parent.weights.display()),
    ];
    let mut progress = TrainingProgress::new(printer, &companions, ("parent", &subtitle), parent.recipe.epochs);
    let result = match worker.request_cancellable(&train, cancel, &mut |message| progress.update(message)) {
        Ok(FromWorker::Done(result)) => *result,
        Ok(other) => return Err(WorkerError::unexpected(&other).into()),
        Err(WorkerError::Interrupted { .. }) => {
            return Err(CliError::interrupted(
                "interrupted while the parent was fine-tuned; the same command continues from its last epoch",
            ));
        }
        Err(error) => return Err(error.into()),
    };
    progress.finish(result.seconds, &result.epochs)?;
    files::write_atomically(&record, &requests)?;
    printer.status(&format!(
        "parent: validation top-1 {:.1} % after {} epochs; it took {:.1} % of its parameters from {}",
        result.accuracy,
        parent.recipe.epochs,
        100.0 * result.inherited.unwrap_or_default(),
        parent.weights.display()
    ));
    Ok(())
}

/// The path as one that holds in any folder that a worker runs in.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

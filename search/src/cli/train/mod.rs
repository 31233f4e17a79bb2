//! `mnas train`

mod files;
mod init;
mod progress;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use mnas_engine::files::read_text;
use mnas_engine::training::{Proxy, Recipe, RecipeError, TrainDevice};
use mnas_engine::worker::{CheckpointRequest, FromWorker, Ready, ToWorker, TrainRequest, TrainResult};
use mnas_space::Architecture;
use serde::Serialize;

use super::architecture::ArchitectureArguments;
use super::cancel_flag;
use super::data::DataArguments;
use super::error::CliError;
use crate::report::Printer;
use crate::worker_client::{WorkerClient, WorkerError};
use files::EpochRow;
use init::InitArguments;

pub(in crate::cli) use files::Companions;
pub(in crate::cli) use progress::TrainingProgress;

#[derive(Debug, Args)]
pub struct TrainArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    init: InitArguments,
    /// A recipe that comes with mnas (demo, quick, small-images, cifar, imagenette, imagenet, finetune, inherit), or a TOML file [default:
    /// quick, or finetune with --init]
    #[arg(long)]
    recipe: Option<String>,
    /// Epochs, in place of the recipe's
    #[arg(long)]
    epochs: Option<u32>,
    /// Seed of the initial weights, and of the order and augmentation of the images
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Device that libtorch trains on: cpu, cuda, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    train_device: TrainDevice,
    /// libtorch's threads [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
    /// File to save the weights to; the log (.csv) and the learning curve (.svg, .png), both kept up to date, get the same name
    #[arg(long, short, default_value = "weights.safetensors")]
    output: PathBuf,
    /// Resume from the checkpoint that an interrupted training left beside its output, if there is one
    #[arg(long)]
    resume: bool,
    /// Time between two saves of the checkpoint beside the output
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    checkpoint_every: Duration,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    name: String,
    id: String,
    weights: PathBuf,
    top1: f64,
    top5: f64,
    images: usize,
    seconds: f64,
    /// Share of the parameters that were inherited from the weights of `--init`.
    #[serde(skip_serializing_if = "Option::is_none")]
    inherited: Option<f64>,
    epochs: Vec<EpochRow>,
}

/// Default recipe of networks that begin with all of their weights.
pub const FINE_TUNING: &str = "finetune";

/// A recipe by name or path.
pub fn open_recipe(name: &str) -> Result<Recipe, CliError> {
    let path = Path::new(name);
    if !(path.is_file() || path.extension().is_some_and(|extension| extension == "toml")) {
        return Ok(Recipe::embedded(name)?);
    }
    let text = read_text(path).map_err(|error| CliError::config(error.to_string()))?;
    Recipe::from_toml(&text).map_err(|error| match error {
        RecipeError::Document(place) => CliError::document(path, &text, &place),
        error => CliError::config(format!("{name}: {error}")),
    })
}

/// A recipe by name or path, with `epochs` in place of its own where given.
pub fn open_recipe_for(name: &str, epochs: Option<u32>) -> Result<Recipe, CliError> {
    let mut recipe = open_recipe(name)?;
    if let Some(epochs) = epochs {
        recipe.set_epochs(epochs);
        recipe.check()?;
    }
    Ok(recipe)
}

pub fn run(arguments: &TrainArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    let companions = Companions::of(&arguments.output);
    companions.check(arguments.resume, printer)?;
    let recipe = arguments.recipe()?;
    let (unsized_network, _) = arguments.architecture.resolve()?;
    let resolution = unsized_network.resolution;
    let initial = arguments
        .init
        .read(&unsized_network, &arguments.architecture.form, printer)?;
    let normalization = arguments.init.normalization(initial.as_ref(), printer)?;
    let mut worker = WorkerClient::start(arguments.train_device)?;
    let prepare = ToWorker::Prepare {
        data: arguments.data.request(None),
        resolution,
        augmentation: recipe.augmentation,
        threads: arguments.threads.unwrap_or_else(num_cores),
    };
    let ready = load_images(&mut worker, &prepare, &cancel, printer)?;
    let (architecture, name) = arguments.architecture.resolve_for(ready.classes.len())?;
    if (architecture.head.classes as usize) < ready.classes.len() {
        return Err(CliError::config(format!(
            "the network scores {} classes, the data has {}",
            architecture.head.classes,
            ready.classes.len()
        )));
    }
    let subtitle = [
        ready.description.clone(),
        format!("recipe {}, {resolution} px", recipe.name),
    ];
    let mut progress = TrainingProgress::new(printer, &companions, (&name, &subtitle), recipe.epochs);
    let request = ToWorker::Train(Box::new(TrainRequest {
        parent: initial.map(|initial| initial.parent),
        normalization,
        ..arguments.request(&architecture, recipe, &companions)
    }));
    let trained = worker.request_cancellable(&request, &cancel, &mut |message| progress.update(message));
    let result = match trained {
        Ok(FromWorker::Done(result)) => *result,
        Ok(other) => return Err(WorkerError::unexpected(&other).into()),
        Err(error) => return Err(explained(error, &companions)),
    };
    progress.finish(result.seconds, &result.epochs)?;
    companions.remove_checkpoint();
    let id = architecture.id().to_string();
    arguments.show(
        &Document::new(name, id, &arguments.output, &result),
        &companions,
        printer,
    )
}

/// Loads images in the worker, with a progress bar.
pub(in crate::cli) fn load_images(
    worker: &mut WorkerClient,
    prepare: &ToWorker,
    cancel: &AtomicBool,
    printer: &Printer,
) -> Result<Ready, CliError> {
    let bar = printer.progress("loading images", 0);
    let loaded = worker.request_cancellable(prepare, cancel, &mut |progress| {
        if let FromWorker::Loading { done, total } = progress {
            bar.set_total(total as u64);
            bar.set(done as u64);
        }
    });
    match loaded {
        Ok(FromWorker::Ready(ready)) => {
            bar.finish(&ready.description);
            for skipped in &ready.skipped {
                printer.warning(&format!("skipped {skipped}"));
            }
            Ok(*ready)
        }
        Ok(other) => Err(WorkerError::unexpected(&other).into()),
        Err(WorkerError::Interrupted { .. }) => Err(CliError::interrupted(
            "interrupted while the images were loaded; no training was begun",
        )),
        Err(error) => Err(error.into()),
    }
}

/// An error with the way to resume the training.
fn explained(error: WorkerError, companions: &Companions) -> CliError {
    if let WorkerError::Interrupted { epoch } = error {
        return CliError::interrupted(format!(
            "interrupted in epoch {epoch}; everything is saved, continue with the same command and --resume"
        ));
    }
    let error = CliError::from(error);
    if companions.checkpoint.exists() {
        return error.with_help(format!(
            "{} holds the state before the error; --resume continues from it",
            companions.checkpoint.display()
        ));
    }
    error
}

impl TrainArguments {
    /// The recipe of the flags.
    fn recipe(&self) -> Result<Recipe, CliError> {
        let default = if self.init.is_given() { FINE_TUNING } else { "quick" };
        open_recipe_for(self.recipe.as_deref().unwrap_or(default), self.epochs)
    }

    fn request(&self, architecture: &Architecture, recipe: Recipe, companions: &Companions) -> TrainRequest {
        TrainRequest {
            start_from: None,
            parent: None,
            normalization: None,
            architecture: architecture.to_string(),
            proxy: Proxy::DIRECT,
            recipe,
            seed: self.seed,
            weights: Some(self.output.clone()),
            checkpoint: Some(CheckpointRequest {
                path: companions.checkpoint.clone(),
                every: self.checkpoint_every,
                is_temporary: false,
            }),
            validate_every_epoch: true,
            test: false,
        }
    }

    fn show(&self, document: &Document, companions: &Companions, printer: &Printer) -> Result<(), CliError> {
        if self.json {
            return Ok(printer.json(document)?);
        }
        Ok(printer.result(&format!(
            "{}: validation top-1 {:.2} %, top-5 {:.2} % on {} images; weights in {}, log in {}, learning curve in {}",
            document.name,
            document.top1,
            document.top5,
            document.images,
            document.weights.display(),
            companions.log.display(),
            companions.curve_svg.display(),
        ))?)
    }
}

impl Document {
    fn new(name: String, id: String, weights: &Path, result: &TrainResult) -> Self {
        Self {
            name,
            id,
            weights: weights.to_path_buf(),
            top1: result.accuracy,
            top5: result.top5,
            images: result.validation_images,
            seconds: result.seconds,
            inherited: result.inherited,
            epochs: result.epochs.iter().map(EpochRow::from).collect(),
        }
    }
}

/// Cores of this machine.
pub fn num_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

//! `mnas train`

mod files;
mod progress;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::architecture::ArchitectureArguments;
use super::cancel_flag;
use super::data::{DataArguments, load};
use super::error::CliError;
use crate::report::Printer;
use files::Companions;
use mnas_engine::files::read_text;
use mnas_engine::training::Normalization;
use mnas_engine::training::weights::{Weights, WeightsInfo};
use mnas_engine::training::{Recipe, RecipeError, TrainDevice};
use mnas_train::{CheckpointPlan, EpochReport, Network, TrainPlan};

#[derive(Debug, Args)]
pub struct TrainArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    #[command(flatten)]
    data: DataArguments,
    /// A recipe that comes with mnas (demo, quick, small-images, cifar, imagenette, imagenet), or a TOML file
    #[arg(long, default_value = "quick")]
    recipe: String,
    /// Epochs, in place of the recipe's
    #[arg(long)]
    epochs: Option<u32>,
    /// Decides initial weights, order and augmentation
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to train: cpu, cuda, or cuda:N
    #[arg(long, default_value_t)]
    pub device: TrainDevice,
    /// libtorch's threads [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Where to save the weights; the log (.csv) and the learning curve (.svg, .png) get the same name
    #[arg(long, short, default_value = "weights.safetensors")]
    output: PathBuf,
    /// Go on from the checkpoint that an interrupted training left beside its output, if there is one
    #[arg(long)]
    resume: bool,
    /// How often the state is written down beside the output, to go on from
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
    epochs: Vec<EpochRow>,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct EpochRow {
    epoch: u32,
    learning_rate: f64,
    resolution: u32,
    loss: f64,
    val_loss: Option<f64>,
    accuracy: Option<f64>,
    top5: Option<f64>,
    images_per_second: f64,
    data_wait_percent: f64,
    seconds: f64,
}

impl From<&EpochReport> for EpochRow {
    fn from(report: &EpochReport) -> Self {
        Self {
            epoch: report.epoch,
            learning_rate: report.learning_rate,
            resolution: report.resolution,
            loss: report.loss,
            val_loss: report.evaluation.map(|found| found.loss),
            accuracy: report.evaluation.map(|found| found.top1),
            top5: report.evaluation.map(|found| found.top5),
            images_per_second: report.images_per_second,
            data_wait_percent: 100.0 * report.data_wait_share,
            seconds: report.seconds,
        }
    }
}

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

pub fn run(arguments: &TrainArguments, printer: &Printer) -> Result<(), CliError> {
    let device = mnas_train::open_device(arguments.device)?;
    let cancel = cancel_flag()?;
    let companions = Companions::of(&arguments.output);
    companions.check(arguments.resume, printer)?;
    let mut recipe = open_recipe(&arguments.recipe)?;
    if let Some(epochs) = arguments.epochs {
        recipe.set_epochs(epochs);
        recipe.check()?;
    }
    let (unsized_network, _) = arguments.architecture.resolve()?;
    let request = arguments.data.request(None);
    let resolution = unsized_network.resolution;
    let splits = load(&request, resolution, recipe.augmentation, &cancel, printer)?;
    let (architecture, name) = arguments.architecture.resolve_for(splits.train.classes().len())?;
    if (architecture.head.classes as usize) < splits.train.classes().len() {
        return Err(CliError::config(format!(
            "the network scores {} classes, the data has {}",
            architecture.head.classes,
            splits.train.classes().len()
        )));
    }
    tch::set_num_threads(arguments.threads.unwrap_or_else(num_cores) as i32);
    let network = Network::new(architecture.graph(), device, arguments.seed)?;
    let normalization = mnas_train::data::normalization_of(&splits.train);
    let plan = TrainPlan {
        train: &splits.train,
        val: &splits.val,
        resolution,
        normalization,
        recipe: &recipe,
        seed: arguments.seed,
        validate_every_epoch: true,
        checkpoint: Some(CheckpointPlan {
            path: companions.checkpoint.clone(),
            every: arguments.checkpoint_every,
            architecture: architecture.to_string(),
        }),
    };
    let info = WeightsInfo {
        architecture: architecture.to_string(),
        train_resolution: resolution,
        image_size: Some(splits.val.size()),
        normalization,
        classes: splits.train.classes().to_vec(),
        early_strides_removed: 0,
        data: Some(request.clone()),
    };
    let document = Document {
        name,
        id: architecture.id().to_string(),
        weights: arguments.output.clone(),
        top1: 0.0,
        top5: 0.0,
        images: 0,
        seconds: 0.0,
        epochs: Vec::new(),
    };
    let subtitle = vec![
        splits.summary().to_string(),
        format!("recipe {}, {resolution} px", recipe.name),
    ];
    let document = train_and_save(
        &network,
        &plan,
        info,
        (document, subtitle),
        &companions,
        &cancel,
        printer,
    )?;
    if arguments.json {
        return Ok(printer.json(&document)?);
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

/// Trains, keeps the log and the curve up to date, and writes the weights; then the checkpoint is not needed any more.
fn train_and_save(
    network: &Network,
    plan: &TrainPlan<'_>,
    info: WeightsInfo,
    (document, subtitle): (Document, Vec<String>),
    companions: &Companions,
    cancel: &AtomicBool,
    printer: &Printer,
) -> Result<Document, CliError> {
    let trained = progress::train_with_bar(network, plan, &document.name, companions, cancel, printer)?;
    mnas_train::weights_of(network, info)?.write(&document.weights)?;
    companions.write_log(&trained.epochs)?;
    companions.write_curve(&document.name, subtitle, &trained.epochs)?;
    companions.remove_checkpoint();
    Ok(Document {
        top1: trained.evaluation.top1,
        top5: trained.evaluation.top5,
        images: trained.evaluation.images,
        seconds: trained.seconds,
        epochs: trained.epochs.iter().map(EpochRow::from).collect(),
        ..document
    })
}

/// Cores of this machine.
pub fn num_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

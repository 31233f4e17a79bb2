//! `mnas train`

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde::Serialize;

use super::architecture::ArchitectureArguments;
use super::cancel_flag;
use super::error::CliError;
use crate::data::DataRequest;
use crate::data::{Normalization, OnCorrupt, Splits, Watch};
use crate::files;
use crate::report::Printer;
use crate::train::weights::{Weights, WeightsInfo};
use crate::train::{Network, Progress, Recipe, RecipeError, TrainPlan, Trained, train};

#[derive(Debug, Args)]
pub struct TrainArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    #[command(flatten)]
    data: DataArguments,
    /// A recipe that comes with mnas (demo, quick, small-images), or a TOML file
    #[arg(long, default_value = "quick")]
    recipe: String,
    /// Epochs, in place of the recipe's
    #[arg(long)]
    epochs: Option<u32>,
    /// Decides initial weights, order and augmentation
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// libtorch's threads [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Where to save the weights
    #[arg(long, short, default_value = "weights.safetensors")]
    output: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Which images.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// An image folder (also in a tar), tar shards, Parquet files, CIFAR binaries, IDX files, or `demo` [default: the weights', or demo]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// At most so many images per split [default: the weights', or all]
    #[arg(long, value_name = "N")]
    images: Option<usize>,
    /// Share of each class cut from train where there is no validation split [default: the weights', or 0.1]
    #[arg(long)]
    val_fraction: Option<f64>,
    /// What to do about corrupt images [default: refuse]
    #[arg(long, value_enum)]
    on_corrupt: Option<Corrupt>,
    /// Decides the validation cut and the subset of images [default: the weights', or 0]
    #[arg(long)]
    data_seed: Option<u64>,
    /// Memory for the decoded images of a split, in MB; a larger split is read anew each time [default: 4295]
    #[arg(long, value_name = "MB")]
    memory_mb: Option<u64>,
}

/// What to do about corrupt images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Corrupt {
    /// Stop and name it
    Refuse,
    /// Leave it out and name it
    Skip,
}

impl From<Corrupt> for OnCorrupt {
    fn from(corrupt: Corrupt) -> Self {
        match corrupt {
            Corrupt::Refuse => Self::Refuse,
            Corrupt::Skip => Self::Skip,
        }
    }
}

impl DataArguments {
    /// What the flags ask for, completed by what a weight file was trained on.
    pub fn request(&self, trained_on: Option<&DataRequest>) -> DataRequest {
        DataRequest {
            path: self
                .data
                .clone()
                .or(trained_on.map(|data| data.path.clone()))
                .unwrap_or_else(|| "demo".into()),
            images: self.images.or(trained_on.and_then(|data| data.images)),
            val_fraction: self
                .val_fraction
                .or(trained_on.map(|data| data.val_fraction))
                .unwrap_or(0.1),
            on_corrupt: self
                .on_corrupt
                .map(Into::into)
                .or(trained_on.map(|data| data.on_corrupt))
                .unwrap_or_default(),
            seed: self.data_seed.or(trained_on.map(|data| data.seed)).unwrap_or(0),
            memory_mb: self.memory_mb.or(trained_on.and_then(|data| data.memory_mb)),
        }
    }

    /// Whether the flags limit the number of images.
    pub fn limits_images(&self) -> bool {
        self.images.is_some()
    }
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

#[derive(Serialize)]
struct EpochRow {
    epoch: u32,
    loss: f64,
    accuracy: Option<f64>,
    images_per_second: f64,
}

/// A recipe by name or path.
pub fn open_recipe(name: &str) -> Result<Recipe, CliError> {
    let path = Path::new(name);
    if !(path.is_file() || path.extension().is_some_and(|extension| extension == "toml")) {
        return Ok(Recipe::embedded(name)?);
    }
    let text = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
    Recipe::from_toml(&text).map_err(|error| match error {
        RecipeError::Document(place) => CliError::document(path, &text, &place),
        error => CliError::config(format!("{name}: {error}")),
    })
}

/// Loads images with a progress bar.
pub fn load(
    request: &DataRequest,
    resolution: u32,
    augmentation: crate::data::Augmentation,
    cancel: &AtomicBool,
    printer: &Printer,
) -> Result<Splits, CliError> {
    let bar = printer.progress("loading images", 0);
    let progress = |done: usize, total: usize| {
        bar.set_total(total as u64);
        bar.set(done as u64);
    };
    let splits = request.load(
        resolution,
        &augmentation,
        Watch {
            progress: &progress,
            cancel,
        },
    )?;
    let summary = splits.summary();
    bar.finish(&summary.to_string());
    for skipped in &summary.skipped {
        printer.warning(&format!("skipped {skipped}"));
    }
    Ok(splits)
}

pub fn run(arguments: &TrainArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
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
    let network = Network::new(architecture.graph(), tch::Device::Cpu, arguments.seed)?;
    let normalization = Normalization::of(&splits.train);
    let plan = TrainPlan {
        train: &splits.train,
        val: &splits.val,
        resolution,
        normalization,
        recipe: &recipe,
        seed: arguments.seed,
        validate_every_epoch: true,
        checkpoint: None,
    };
    let trained = train_with_bar(&network, &plan, &name, &cancel, printer)?;
    let info = WeightsInfo {
        architecture: architecture.to_string(),
        train_resolution: resolution,
        image_size: Some(splits.val.size()),
        normalization,
        classes: splits.train.classes().to_vec(),
        early_strides_removed: 0,
        data: Some(request.clone()),
    };
    Weights::of(&network, info)?.write(&arguments.output)?;
    let document = Document {
        name,
        id: architecture.id().to_string(),
        weights: arguments.output.clone(),
        top1: trained.evaluation.top1,
        top5: trained.evaluation.top5,
        images: trained.evaluation.images,
        seconds: trained.seconds,
        epochs: trained
            .epochs
            .iter()
            .map(|epoch| EpochRow {
                epoch: epoch.epoch,
                loss: epoch.loss,
                accuracy: epoch.evaluation.map(|found| found.top1),
                images_per_second: epoch.images_per_second,
            })
            .collect(),
    };
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    Ok(printer.result(&format!(
        "{}: validation top-1 {:.2} %, top-5 {:.2} % on {} images; weights in {}",
        document.name,
        document.top1,
        document.top5,
        document.images,
        document.weights.display()
    ))?)
}

fn train_with_bar(
    network: &Network,
    plan: &TrainPlan<'_>,
    name: &str,
    cancel: &AtomicBool,
    printer: &Printer,
) -> Result<Trained, CliError> {
    let bar = printer.progress(&format!("training {name}"), 1000);
    let trained = train(network, plan, &mut |progress| {
        match progress {
            Progress::Step { done, .. } => bar.set((1000.0 * done) as u64),
            Progress::Epoch(report) => bar.message(&format!(
                "epoch {}/{}, loss {:.3}, accuracy {:.1} %, {:.0} images/s",
                report.epoch,
                report.epochs,
                report.loss,
                report.evaluation.map_or(f64::NAN, |found| found.top1),
                report.images_per_second
            )),
        }
        if cancel.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    bar.finish(&format!("{:.0} s", trained.seconds));
    Ok(trained)
}

/// Cores of this machine.
pub fn num_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

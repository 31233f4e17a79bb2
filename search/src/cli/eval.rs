//! `mnas eval`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use mnas_space::parse_toml;
use serde::Serialize;

use super::architecture::FormArguments;
use super::cancel_flag;
use super::data::DataArguments;
use super::error::CliError;
use super::train::num_cores;
use crate::report::{Heading, Printer, listing};
use mnas_engine::files::{self, write_atomically};
use mnas_engine::training::TrainDevice;
use mnas_engine::training::weights::Weights;
use mnas_engine::training::{Augmentation, DataRequest, ExtraAugmentation, Fit, Normalization, Split};
use mnas_train::data::{BatchOptions, ImageSet, Watch};
use mnas_train::{Confusion, Evaluation, Network, evaluate_by_class};

#[derive(Debug, Args)]
pub struct EvalArguments {
    /// The network: a reference, a file (.toml, or .json as `ProxylessNAS` writes) or a string [default: the one named in the
    /// weight file]
    #[arg(value_name = "ARCH")]
    architecture: Option<String>,
    #[command(flatten)]
    form: FormArguments,
    /// The weights (safetensors); those of torchvision, timm and `ProxylessNAS` are matched to ARCH by structure
    #[arg(long)]
    weights: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// Which images: val (the ones a search compares on), train, test, or all but test
    #[arg(long, value_enum, default_value_t = EvalSplit::Val)]
    split: EvalSplit,
    /// Where to evaluate: cpu, cuda, or cuda:N
    #[arg(long, default_value_t)]
    pub device: TrainDevice,
    /// Images per batch
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    #[command(flatten)]
    input: InputArguments,
    /// A TOML file that says which score belongs to each class of the images: `n01440764 = 0`
    #[arg(long, value_name = "FILE")]
    label_map: Option<PathBuf>,
    /// Show the accuracy of every class
    #[arg(long)]
    per_class: bool,
    /// Write what each class is taken for, a CSV file
    #[arg(long, value_name = "FILE")]
    confusion: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// How images enter the network.
#[derive(Debug, Args)]
struct InputArguments {
    /// Mean of the channels, from 0 to 1: one number, or three with commas [default: the weights', or the images']
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "std")]
    mean: Option<[f32; 3]>,
    /// Standard deviation of the channels
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "mean")]
    std: Option<[f32; 3]>,
    /// Side of the centre square that is looked at, as a share of the short side (0.875 is usual for `ImageNet`)
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    crop: f64,
    /// Look at the whole image, squeezed into a square
    #[arg(long, conflicts_with = "crop")]
    squash: bool,
}

fn channels(text: &str) -> Result<[f32; 3], String> {
    let numbers: Vec<f32> = text
        .split(',')
        .map(|number| number.trim().parse::<f32>().ok().filter(|number| number.is_finite()))
        .collect::<Option<_>>()
        .ok_or("expected one number, or three separated by commas")?;
    match numbers[..] {
        [all] => Ok([all; 3]),
        [red, green, blue] => Ok([red, green, blue]),
        _ => Err("expected one number, or three separated by commas".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum EvalSplit {
    Train,
    Val,
    Test,
    All,
}

impl From<EvalSplit> for Split {
    fn from(split: EvalSplit) -> Self {
        match split {
            EvalSplit::Train => Self::Train,
            EvalSplit::Val => Self::Val,
            EvalSplit::Test => Self::Test,
            EvalSplit::All => Self::All,
        }
    }
}

#[derive(Serialize)]
struct Document {
    name: String,
    top1: f64,
    top5: f64,
    images: usize,
    loss: f64,
    classes: Vec<ClassRow>,
}

#[derive(Serialize)]
struct ClassRow {
    class: String,
    images: u64,
    top1: f64,
}

pub fn run(arguments: &EvalArguments, printer: &Printer) -> Result<(), CliError> {
    let weights = Weights::read(&arguments.weights)?;
    let info = weights.info.as_ref();
    let Some(text) = arguments
        .architecture
        .clone()
        .or(info.map(|info| info.architecture.clone()))
    else {
        return Err(CliError::usage(format!(
            "{} does not name its architecture; give it as ARCH",
            arguments.weights.display()
        )));
    };
    let (mut architecture, name) = arguments.form.resolve(&text)?;
    if let Some(info) = info {
        architecture = architecture
            .with_resolution(info.train_resolution)
            .without_early_strides(info.early_strides_removed);
    }
    tch::set_num_threads(num_cores() as i32);
    let mut network = Network::new(architecture.graph(), mnas_train::open_device(arguments.device)?, 0)?;
    mnas_train::load_weights(&weights, &mut network, &arguments.weights)?;
    // Images are kept for evaluation as they were when the network was trained and compared.
    let image_size = info.and_then(|info| info.image_size).unwrap_or(architecture.resolution);
    let (set, request) = arguments.load(&weights, image_size, printer)?;
    let set = arguments.relabelled(set, &weights, &request.path, architecture.head.classes)?;
    let options = BatchOptions {
        batch_size: arguments.batch_size,
        resolution: architecture.resolution,
        augmentation: Augmentation::None,
        extra: ExtraAugmentation::default(),
        normalization: arguments.normalization(&weights, &set)?,
        seed: 0,
    };
    let set = Arc::new(set);
    let (found, confusion) = evaluate_by_class(&network, &set, &options)?;
    if let Some(path) = &arguments.confusion {
        write_atomically(path, confusion_csv(&confusion, set.classes()).as_bytes())?;
    }
    arguments.show(name, found, &confusion, set.classes(), printer)
}

impl EvalArguments {
    fn load(&self, weights: &Weights, image_size: u32, printer: &Printer) -> Result<(ImageSet, DataRequest), CliError> {
        let cancel = cancel_flag()?;
        let split = Split::from(self.split);
        let mut request = self
            .data
            .request(weights.info.as_ref().and_then(|info| info.data.as_ref()));
        if split == Split::Test && !self.data.limits_images() {
            // A limit kept trainings short; a test looks at everything.
            request.images = None;
        }
        let bar = printer.progress("loading images", 0);
        let progress = |done: usize, total: usize| {
            bar.set_total(total as u64);
            bar.set(done as u64);
        };
        let mut options = mnas_train::data::load_options(&request, image_size, &Augmentation::None);
        options.fit = if self.input.squash {
            Fit::Squash
        } else {
            Fit::Crop(self.input.crop)
        };
        let watch = Watch {
            progress: &progress,
            cancel: &cancel,
        };
        let set = mnas_train::data::source_of(&request)?.load_split(split, &options, watch)?;
        bar.finish(&format!("{} images", set.len()));
        Ok((set, request))
    }

    /// The images with the network's class numbers: by the map that was given, or by name where the weights name theirs.
    fn relabelled(&self, set: ImageSet, weights: &Weights, data: &Path, scores: u32) -> Result<ImageSet, CliError> {
        if let Some(path) = &self.label_map {
            let text = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
            let numbers: BTreeMap<String, u32> =
                parse_toml(&text).map_err(|error| CliError::document(path, &text, &error))?;
            let mut classes: Vec<String> = (0..scores).map(|number| number.to_string()).collect();
            for (name, &number) in &numbers {
                if let Some(class) = classes.get_mut(number as usize) {
                    class.clone_from(name);
                }
            }
            return Ok(set.relabelled(&numbers, classes)?);
        }
        if let Some(info) = &weights.info
            && info.classes[..] != *set.classes()
        {
            let numbered = info
                .classes
                .iter()
                .zip(0..)
                .map(|(class, number)| (class.clone(), number));
            return Ok(set.relabelled(&numbered.collect(), info.classes.clone())?);
        }
        if set.classes().len() > scores as usize {
            return Err(CliError::config(format!(
                "the network scores {scores} classes, {} has {}",
                data.display(),
                set.classes().len()
            )));
        }
        Ok(set)
    }

    fn normalization(&self, weights: &Weights, set: &ImageSet) -> Result<Normalization, CliError> {
        if let (Some(mean), Some(std)) = (self.input.mean, self.input.std) {
            if std.iter().any(|&value| value <= 0.0) {
                return Err(CliError::usage("--std takes numbers above 0"));
            }
            return Ok(Normalization { mean, std });
        }
        let info = weights.info.as_ref();
        Ok(info.map_or_else(|| mnas_train::data::normalization_of(set), |info| info.normalization))
    }

    fn show(
        &self,
        name: String,
        found: Evaluation,
        confusion: &Confusion,
        classes: &[String],
        printer: &Printer,
    ) -> Result<(), CliError> {
        let document = Document {
            name,
            top1: found.top1,
            top5: found.top5,
            images: found.images,
            loss: found.loss,
            classes: class_rows(confusion, classes),
        };
        if self.json {
            return Ok(printer.json(&document)?);
        }
        printer.result(&format!(
            "{}: top-1 {:.2} %, top-5 {:.2} %, loss {:.3} on {} images",
            document.name, document.top1, document.top5, document.loss, document.images
        ))?;
        if self.per_class {
            let headings = [
                Heading::text("class"),
                Heading::number("images"),
                Heading::number("top-1"),
            ];
            let rows: Vec<Vec<String>> = document
                .classes
                .iter()
                .map(|row| vec![row.class.clone(), row.images.to_string(), format!("{:.1} %", row.top1)])
                .collect();
            printer.result(&listing(&headings, &rows, printer.table_options().width))?;
        }
        Ok(())
    }
}

fn name_of(classes: &[String], label: usize) -> String {
    classes.get(label).cloned().unwrap_or_else(|| label.to_string())
}

/// The classes that have images.
fn class_rows(confusion: &Confusion, classes: &[String]) -> Vec<ClassRow> {
    let row = |label: usize| {
        Some(ClassRow {
            class: name_of(classes, label),
            images: confusion.images(label),
            top1: confusion.accuracy(label)?,
        })
    };
    (0..confusion.classes()).filter_map(row).collect()
}

/// One line for each class that has images, one column for each class that something was taken for or that has images.
fn confusion_csv(confusion: &Confusion, classes: &[String]) -> String {
    let all = 0..confusion.classes();
    let rows: Vec<usize> = all.clone().filter(|&label| confusion.images(label) > 0).collect();
    let is_column = |class: &usize| rows.contains(class) || rows.iter().any(|&row| confusion.row(row)[*class] > 0);
    let columns: Vec<usize> = all.filter(is_column).collect();
    let quoted = |label: usize| {
        let name = name_of(classes, label);
        if name.contains([',', '"', '\n']) {
            format!("\"{}\"", name.replace('"', "\"\""))
        } else {
            name
        }
    };
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let header = std::iter::once("class".to_owned()).chain(columns.iter().map(|&class| quoted(class)));
    let mut text = line(header.collect());
    for &label in &rows {
        let counts = columns.iter().map(|&class| confusion.row(label)[class].to_string());
        text += &line(std::iter::once(quoted(label)).chain(counts).collect());
    }
    text
}

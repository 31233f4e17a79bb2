//! `mnas eval`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use mnas_engine::files::{self, write_atomically};
use mnas_engine::training::weights::{Pretrained, Weights, WeightsInfo};
use mnas_engine::training::{Split, TrainDevice};
use mnas_engine::worker::{EvaluateRequest, Evaluated, FromWorker, ToWorker};
use mnas_space::parse_toml;
use serde::Serialize;

use super::architecture::FormArguments;
use super::cancel_flag;
use super::data::DataArguments;
use super::error::CliError;
use super::eval_model::ModelEvaluation;
use super::images::InputArguments;
use super::matching::MatchingArguments;
use super::train::num_cores;
use crate::report::{Heading, Printer, listing};
use crate::worker_client::{WorkerClient, WorkerError};

#[derive(Debug, Args)]
pub struct EvalArguments {
    /// The network: a reference, a file (.toml, or .json as `ProxylessNAS` writes) or a string [default: the one named in the
    /// weight file]
    #[arg(value_name = "ARCH")]
    architecture: Option<String>,
    #[command(flatten)]
    form: FormArguments,
    /// The weights (safetensors); those of torchvision, timm, `ProxylessNAS`, `efficientnet_pytorch` and Keras are matched to ARCH by name
    #[arg(long, required_unless_present = "model")]
    weights: Option<PathBuf>,
    /// A .tflite or .onnx file to evaluate in LiteRT or ONNX Runtime, instead of weights
    #[arg(long, value_name = "FILE", conflicts_with_all = ["architecture", "weights", "per_class", "confusion"])]
    model: Option<PathBuf>,
    #[command(flatten)]
    matching: MatchingArguments,
    #[command(flatten)]
    data: DataArguments,
    /// Split of the data set: val (which a search compares networks on), train, test, or all but test
    #[arg(long, value_enum, default_value_t = EvalSplit::Val)]
    split: EvalSplit,
    /// Device that libtorch evaluates on: cpu, cuda, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    train_device: TrainDevice,
    /// Images per batch
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    #[command(flatten)]
    input: InputArguments,
    /// A TOML file with the number of the score of each class name: `n01440764 = 0`
    #[arg(long, value_name = "FILE")]
    label_map: Option<PathBuf>,
    /// Show the accuracy of every class
    #[arg(long)]
    per_class: bool,
    /// Write the confusion matrix, a CSV file
    #[arg(long, value_name = "FILE")]
    confusion: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
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
    if let Some(model) = &arguments.model {
        return arguments.model(model)?.run(arguments.json, printer);
    }
    let cancel = cancel_flag()?;
    let Some(path) = &arguments.weights else {
        return Err(CliError::usage("give --weights or --model"));
    };
    let weights = Weights::read(path)?;
    let info = weights.info.clone();
    let info = info.as_ref();
    let Some(text) = arguments
        .architecture
        .clone()
        .or(info.map(|info| info.architecture.clone()))
    else {
        return Err(CliError::usage(format!(
            "{} does not name its architecture; give it as ARCH",
            path.display()
        )));
    };
    let (mut architecture, name) = arguments.form.resolve(&text)?;
    if let Some(info) = info {
        architecture = architecture
            .with_resolution(info.train_resolution)
            .without_early_strides(info.early_strides_removed);
    }
    let mut pretrained = Pretrained::of(&weights, path, Some(&architecture))?;
    arguments.matching.show(&pretrained.matching, printer)?;
    if arguments.form.classes().is_some() {
        // Weights of another number of classes are refused.
        pretrained.architecture = architecture;
    }
    let request = arguments.request(&pretrained, (path, info))?;
    let found = arguments.evaluate(request, &cancel, printer)?;
    if let Some(path) = &arguments.confusion {
        write_atomically(path, confusion_csv(&found).as_bytes())?;
    }
    arguments.show(name, &found, printer)
}

impl EvalArguments {
    /// The request of the flags, completed by the images that the weights were trained on.
    fn request(
        &self,
        pretrained: &Pretrained,
        (weights, info): (&Path, Option<&WeightsInfo>),
    ) -> Result<EvaluateRequest, CliError> {
        let split = Split::from(self.split);
        let mut data = self.data.request(info.and_then(|info| info.data.as_ref()));
        if split == Split::Test && !self.data.limits_images() {
            // A limit keeps trainings short; a test evaluates all images.
            data.images = None;
        }
        Ok(EvaluateRequest {
            architecture: pretrained.architecture.to_string(),
            weights: weights.to_path_buf(),
            data,
            split,
            // Images are stored as they were when the network was trained and validated.
            image_size: info
                .and_then(|info| info.image_size)
                .unwrap_or(pretrained.architecture.resolution),
            fit: self.input.fit(),
            normalization: self.input.normalization()?.or(pretrained.normalization),
            label_map: self.label_map.as_deref().map(read_label_map).transpose()?,
            batch_size: self.batch_size,
            threads: num_cores(),
        })
    }

    /// The evaluation of an exported file.
    fn model<'a>(&'a self, model: &'a Path) -> Result<ModelEvaluation<'a>, CliError> {
        Ok(ModelEvaluation {
            model,
            data: self.data.request(None),
            split: Split::from(self.split),
            input: &self.input,
            label_map: self.label_map.as_deref().map(read_label_map).transpose()?,
        })
    }

    fn evaluate(
        &self,
        request: EvaluateRequest,
        cancel: &AtomicBool,
        printer: &Printer,
    ) -> Result<Evaluated, CliError> {
        let mut worker = WorkerClient::start(self.train_device)?;
        let bar = printer.progress("loading images", 0);
        let mut on_progress = |progress: FromWorker| match progress {
            FromWorker::Loading { done, total } => {
                bar.set_total(total as u64);
                bar.set(done as u64);
            }
            FromWorker::Warning { message } => printer.warning(&message),
            _ => {}
        };
        let request = ToWorker::Evaluate(Box::new(request));
        match worker.request_cancellable(&request, cancel, &mut on_progress)? {
            FromWorker::Evaluated(found) => {
                bar.finish(&format!("{} images", found.accuracy.images));
                Ok(*found)
            }
            other => Err(WorkerError::unexpected(&other).into()),
        }
    }

    fn show(&self, name: String, found: &Evaluated, printer: &Printer) -> Result<(), CliError> {
        let accuracy = found.accuracy;
        let document = Document {
            name,
            top1: accuracy.top1,
            top5: accuracy.top5,
            images: accuracy.images,
            loss: accuracy.loss,
            classes: class_rows(found),
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

fn read_label_map(path: &Path) -> Result<BTreeMap<String, u32>, CliError> {
    let text = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
    parse_toml(&text).map_err(|error| CliError::document(path, &text, &error))
}

fn name_of(found: &Evaluated, label: u32) -> String {
    let name = found.classes.get(label as usize);
    name.cloned().unwrap_or_else(|| label.to_string())
}

/// Rows of the classes that have images.
fn class_rows(found: &Evaluated) -> Vec<ClassRow> {
    let row = |label: u32| {
        Some(ClassRow {
            class: name_of(found, label),
            images: found.confusion.images(label),
            top1: found.confusion.accuracy(label)?,
        })
    };
    found.confusion.labels().into_iter().filter_map(row).collect()
}

/// One line for each class that has images, one column for each class that has images or was predicted.
fn confusion_csv(found: &Evaluated) -> String {
    let columns = found.confusion.classes();
    let quoted = |label: u32| {
        let name = name_of(found, label);
        if name.contains([',', '"', '\n']) {
            format!("\"{}\"", name.replace('"', "\"\""))
        } else {
            name
        }
    };
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let header = std::iter::once("class".to_owned()).chain(columns.iter().map(|&class| quoted(class)));
    let mut text = line(header.collect());
    for label in found.confusion.labels() {
        let counts = columns
            .iter()
            .map(|&class| found.confusion.get(label, class).to_string());
        text += &line(std::iter::once(quoted(label)).chain(counts).collect());
    }
    text
}

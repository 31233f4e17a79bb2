//! `mnas eval`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::architecture::FormArguments;
use super::cancel_flag;
use super::error::CliError;
use super::train::{DataArguments, num_cores};
use crate::data::{Augmentation, BatchOptions, ExtraAugmentation, Normalization, Split, Watch};
use crate::report::Printer;
use crate::train::weights::Weights;
use crate::train::{Network, evaluate};

#[derive(Debug, Args)]
pub struct EvalArguments {
    /// The network: a reference, a file or a string [default: the one named in the weight file]
    #[arg(value_name = "ARCH")]
    architecture: Option<String>,
    #[command(flatten)]
    form: FormArguments,
    /// The weights (safetensors)
    #[arg(long)]
    weights: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// Which images: val (the ones a search compares on) or test
    #[arg(long, value_enum, default_value_t = EvalSplit::Val)]
    split: EvalSplit,
    /// Images per batch
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum EvalSplit {
    Train,
    Val,
    Test,
}

#[derive(Serialize)]
struct Document {
    name: String,
    top1: f64,
    top5: f64,
    images: usize,
    loss: f64,
}

pub fn run(arguments: &EvalArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    let weights = Weights::read(&arguments.weights)?;
    let named = weights.info.as_ref().map(|info| info.architecture.clone());
    let Some(text) = arguments.architecture.clone().or(named) else {
        return Err(CliError::usage(format!(
            "{} does not name its architecture; give it as ARCH",
            arguments.weights.display()
        )));
    };
    let (mut architecture, name) = arguments.form.resolve(&text)?;
    if let Some(info) = &weights.info {
        architecture = architecture
            .with_resolution(info.train_resolution)
            .without_early_strides(info.early_strides_removed);
    }
    let split = match arguments.split {
        EvalSplit::Train => Split::Train,
        EvalSplit::Val => Split::Val,
        EvalSplit::Test => Split::Test,
    };
    let mut request = arguments
        .data
        .request(weights.info.as_ref().and_then(|info| info.data.as_ref()));
    if split == Split::Test && !arguments.data.limits_images() {
        // A limit kept trainings short; a test looks at everything.
        request.images = None;
    }
    let bar = printer.progress("loading images", 0);
    let progress = |done: usize, total: usize| {
        bar.set_total(total as u64);
        bar.set(done as u64);
    };
    // Images are kept for evaluation as they were when the network was trained and compared.
    let image_size = weights
        .info
        .as_ref()
        .and_then(|info| info.image_size)
        .unwrap_or(architecture.resolution);
    let options = request.load_options(image_size, &Augmentation::None);
    let set = request.source()?.load_split(
        split,
        &options,
        Watch {
            progress: &progress,
            cancel: &cancel,
        },
    )?;
    bar.finish(&format!("{} images", set.len()));
    if set.classes().len() > architecture.head.classes as usize {
        return Err(CliError::config(format!(
            "the network scores {} classes, {} has {}",
            architecture.head.classes,
            request.path.display(),
            set.classes().len()
        )));
    }
    tch::set_num_threads(num_cores() as i32);
    let mut network = Network::new(architecture.graph(), tch::Device::Cpu, 0)?;
    weights.load_into(&mut network, &arguments.weights)?;
    let normalization = weights
        .info
        .as_ref()
        .map_or_else(|| Normalization::of(&set), |info| info.normalization);
    let options = BatchOptions {
        batch_size: arguments.batch_size,
        resolution: architecture.resolution,
        augmentation: Augmentation::None,
        extra: ExtraAugmentation::default(),
        normalization,
        seed: 0,
    };
    let found = evaluate(&network, &std::sync::Arc::new(set), &options)?;
    let document = Document {
        name,
        top1: found.top1,
        top5: found.top5,
        images: found.images,
        loss: found.loss,
    };
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    Ok(printer.result(&format!(
        "{}: top-1 {:.2} %, top-5 {:.2} %, loss {:.3} on {} images",
        document.name, document.top1, document.top5, document.loss, document.images
    ))?)
}

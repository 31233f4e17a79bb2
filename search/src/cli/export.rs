//! `mnas export`

use std::path::{Path, PathBuf};

use clap::Args;
use mnas_engine::training::weights::{Package, PackageNetwork, Pretrained, Weights};
use mnas_engine::training::{DataRequest, Split};
use mnas_engine::worker::Floats;
use mnas_space::quantisation::Clipping;
use serde::Serialize;

use super::architecture::FormArguments;
use super::cancel_flag;
use super::data::DataArguments;
use super::device::{litert, onnx_runtime};
use super::error::CliError;
use super::images::{InputArguments, read_images};
use super::matching::MatchingArguments;
use super::model::ModelSource;
use crate::export::{
    self, CALIBRATION_IMAGES, CHECKED_IMAGES, Calibration, Check, ExportNetwork, Exported, Onnx, PyTorch,
    SafetensorsFile, Tflite, TflitePrecision, Toml, TorchScript, Verifier,
};
use crate::report::{Printer, units};

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The network: a study's folder (its best network), a reference, a file or a string [default: the one named in the weight file]
    #[arg(value_name = "ARCH|STUDY")]
    architecture: Option<String>,
    #[command(flatten)]
    form: FormArguments,
    /// Weights of the network (safetensors) [default: those of the study's best network]; not needed for TOML
    #[arg(long)]
    weights: Option<PathBuf>,
    #[command(flatten)]
    matching: MatchingArguments,
    /// Format of the file
    #[arg(long, value_enum)]
    format: FormatName,
    /// The file to write; for pytorch also its weights, beside it
    #[arg(long, short)]
    output: PathBuf,
    /// Numbers in a TFLite file
    #[arg(long, value_enum, default_value_t = PrecisionName::Fp32)]
    precision: PrecisionName,
    /// Rule for the ranges of activations in 8-bit integers
    #[arg(long, value_enum, default_value_t = RangeRule::Extremes)]
    ranges: RangeRule,
    /// Names of the tensors in a safetensors file
    #[arg(long, value_enum, default_value_t = Names::Mnas)]
    names: Names,
    /// Fold batch-norm into the convolutions of an ONNX file
    #[arg(
        long, value_name = "BOOL", require_equals = true, num_args = 0..=1, default_value_t = true, default_missing_value = "true"
    )]
    fold: bool,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    input: InputArguments,
    /// Names of the classes, one per line in the order of the scores [default: the weights']
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Replace the file where it exists
    #[arg(long)]
    overwrite: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FormatName {
    /// TensorFlow Lite, for LiteRT on phones
    Tflite,
    /// ONNX, for ONNX Runtime and many other programs
    Onnx,
    /// TorchScript, for libtorch
    Torchscript,
    /// Weights alone
    Safetensors,
    /// Readable Python module for PyTorch, with its weights beside it
    Pytorch,
    /// Architecture alone
    Toml,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Names {
    /// This program's
    Mnas,
    /// torchvision's, for the networks that it has
    Torchvision,
    /// timm's, for the networks that it has
    Timm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PrecisionName {
    /// 32-bit floats
    Fp32,
    /// Weights of 16-bit floats
    Fp16,
    /// 8-bit integers, calibrated on images of the training split (--data)
    Int8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum RangeRule {
    /// From the least to the greatest value
    Extremes,
    /// All but 0.01 % of the values on each side
    Percentile,
    /// Least mean squared error of the values
    Mse,
}

impl From<RangeRule> for Clipping {
    fn from(rule: RangeRule) -> Self {
        match rule {
            RangeRule::Extremes => Self::Extremes,
            RangeRule::Percentile => Self::Percent(0.01),
            RangeRule::Mse => Self::SquaredError,
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    path: &'a Path,
    format: &'a str,
    bytes: u64,
    largest_difference: Option<f64>,
    /// Python expression that builds the network in the package whose names the file has.
    #[serde(skip_serializing_if = "Option::is_none")]
    constructor: Option<&'a str>,
}

pub fn run(arguments: &ExportArguments, printer: &Printer) -> Result<(), CliError> {
    let path = &arguments.output;
    if path.exists() && !arguments.overwrite {
        return Err(CliError::usage(format!("{} exists already", path.display()))
            .with_help("choose another path, or add --overwrite"));
    }
    if arguments.precision != PrecisionName::Fp32 && arguments.format != FormatName::Tflite {
        return Err(CliError::usage("--precision is for --format tflite"));
    }
    if arguments.names != Names::Mnas && arguments.format != FormatName::Safetensors {
        return Err(CliError::usage("--names is for --format safetensors"));
    }
    let (network, name) = arguments.network(printer)?;
    let package = arguments.package(&network)?;
    let verifier = arguments.verifier(&network)?;
    if network
        .trained
        .as_ref()
        .is_some_and(|trained| trained.normalization.is_none())
    {
        printer.warning("the weights do not state how images are normalised; give --mean and --std");
    }
    let images = arguments.images(&network, printer)?;
    let verifier = match &images[..] {
        [] => verifier,
        images => verifier.with_images(&images[..images.len().min(CHECKED_IMAGES)], network.graph.input),
    };
    let format = arguments.format(&network, &images, (&verifier, package.as_ref()))?;
    let exported = export::export(&network, format.as_ref(), path, &verifier)?;
    arguments.show((&name, format.name()), &exported, package.as_ref(), printer)
}

impl ExportArguments {
    /// The runtime that reads the format back.
    fn verifier(&self, network: &ExportNetwork) -> Result<Verifier, CliError> {
        let onnx_runtime = match self.format {
            FormatName::Onnx => onnx_runtime()?,
            _ => None,
        };
        let litert = match self.format {
            FormatName::Tflite => litert()?,
            _ => None,
        };
        Ok(Verifier::new(&network.architecture, onnx_runtime, litert))
    }

    /// The network of the arguments with its weights, and its display name.
    fn network(&self, printer: &Printer) -> Result<(ExportNetwork, String), CliError> {
        let source = ModelSource::of(self.architecture.as_deref(), self.weights.as_deref())?;
        let weights = source.weights.as_deref().map(Weights::read).transpose()?;
        let info = weights.as_ref().and_then(|weights| weights.info.as_ref());
        let named = info.map(|info| info.architecture.clone());
        let Some(text) = source.architecture.or(named) else {
            return Err(CliError::usage(
                "give ARCH, or --weights of a file that names its architecture",
            ));
        };
        let (mut architecture, name) = self.form.resolve(&text)?;
        if let (Some(info), None) = (info, self.form.classes()) {
            architecture = architecture.with_classes(info.classes.len().max(1) as u32);
        }
        if self.format == FormatName::Toml {
            return Ok((ExportNetwork::untrained(architecture), name));
        }
        let (Some(weights), Some(path)) = (weights, &source.weights) else {
            return Err(CliError::usage("all formats but toml need --weights").with_help("`mnas train` writes weights"));
        };
        let pretrained = Pretrained::of(&weights, path, Some(&architecture))?;
        self.matching.show(&pretrained.matching, printer)?;
        if self.form.classes().is_none() {
            architecture = pretrained.architecture;
        }
        let mut network = ExportNetwork::trained(architecture, &pretrained.weights, path)?;
        if let Some(trained) = &mut network.trained {
            trained.normalization = pretrained.normalization;
        }
        self.describe(&mut network)?;
        Ok((network, name))
    }

    /// The network of the package whose names the file gets.
    fn package(&self, network: &ExportNetwork) -> Result<Option<PackageNetwork>, CliError> {
        let package = match self.names {
            Names::Mnas => return Ok(None),
            Names::Torchvision => Package::Torchvision,
            Names::Timm => Package::Timm,
        };
        let found = PackageNetwork::of(package, &network.architecture);
        found.map(Some).map_err(|error| {
            CliError::usage(error.to_string()).with_help(
                "without --names the file has this program's names; `--format pytorch` writes a module that loads them",
            )
        })
    }

    /// Sets the normalisation and the class names of the arguments.
    fn describe(&self, network: &mut ExportNetwork) -> Result<(), CliError> {
        let Some(trained) = &mut network.trained else {
            return Ok(());
        };
        trained.normalization = self.input.normalization()?.or(trained.normalization);
        let Some(path) = &self.labels else { return Ok(()) };
        let labels = super::model::read_labels(path)?;
        let classes = network.architecture.head.classes as usize;
        if labels.len() != classes {
            return Err(CliError::config(format!(
                "{} names {} classes, the network has {classes}",
                path.display(),
                labels.len()
            )));
        }
        trained.classes = labels;
        Ok(())
    }

    /// Training images to calibrate and to compare on, none unless they are needed or given.
    fn images(&self, network: &ExportNetwork, printer: &Printer) -> Result<Vec<Floats>, CliError> {
        let is_int8 = self.precision == PrecisionName::Int8;
        let info = network
            .trained
            .as_ref()
            .and_then(|trained| trained.weights.info.as_ref());
        let trained_on = info.and_then(|info| info.data.as_ref());
        if !self.data.is_given() && !is_int8 {
            return Ok(Vec::new());
        }
        if !self.data.is_given() && trained_on.is_none() {
            return Err(CliError::usage(
                "--precision int8 is calibrated on training images; name them with --data",
            ));
        }
        let wanted = if is_int8 { CALIBRATION_IMAGES } else { CHECKED_IMAGES };
        let data = DataRequest {
            images: Some(self.data.images_or(wanted)),
            ..self.data.request(trained_on)
        };
        let request = network.images(data, Split::Train, self.input.fit());
        let cancel = cancel_flag()?;
        read_images(request, &cancel, printer)
    }

    fn format(
        &self,
        network: &ExportNetwork,
        images: &[Floats],
        (verifier, package): (&Verifier, Option<&PackageNetwork>),
    ) -> Result<Box<dyn export::Format>, CliError> {
        Ok(match self.format {
            FormatName::Onnx => Box::new(Onnx { fold: self.fold }),
            FormatName::Torchscript => Box::new(TorchScript),
            FormatName::Safetensors => Box::new(SafetensorsFile {
                package: package.cloned(),
            }),
            FormatName::Pytorch => Box::new(PyTorch),
            FormatName::Toml => Box::new(Toml),
            FormatName::Tflite => Box::new(Tflite {
                precision: match self.precision {
                    PrecisionName::Fp32 => TflitePrecision::Float32,
                    PrecisionName::Fp16 => TflitePrecision::Float16,
                    PrecisionName::Int8 => {
                        let litert = verifier.litert.as_ref();
                        TflitePrecision::Int8(Calibration::on(images, network, litert, self.ranges.into())?)
                    }
                },
            }),
        })
    }

    fn show(
        &self,
        (name, format): (&str, &str),
        exported: &Exported,
        package: Option<&PackageNetwork>,
        printer: &Printer,
    ) -> Result<(), CliError> {
        let (checked, largest_difference) = match &exported.check {
            Check::Agrees(agreement) => {
                if let Some(remark) = &agreement.remark {
                    printer.warning(remark);
                }
                let difference = agreement.difference;
                let text = format!(
                    "{} agrees with libtorch within {difference:.1e} of the largest score",
                    agreement.reader
                );
                (text, Some(difference))
            }
            Check::Exact => ("it reads back as the same network".to_owned(), Some(0.0)),
            Check::Unchecked { reason } => (format!("not checked: {reason}"), None),
        };
        let path = &self.output;
        if let Some((package, epsilon)) = package.and_then(|package| Some((package, package.epsilon?))) {
            printer.warning(&format!(
                "the weights are for an epsilon of {epsilon} in batch-norm; set it in the layers that {} builds",
                package.constructor
            ));
        }
        if self.json {
            return Ok(printer.json(&Document {
                path,
                format,
                bytes: exported.bytes,
                largest_difference,
                constructor: package.map(|package| package.constructor.as_str()),
            })?);
        }
        let size = units::bytes(exported.bytes);
        let loaded = package.map_or_else(String::new, |package| {
            format!("; load_state_dict of {} takes it", package.constructor)
        });
        Ok(printer.result(&format!("{name}: wrote {} ({size}); {checked}{loaded}", path.display()))?)
    }
}

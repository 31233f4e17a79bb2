//! `mnas scale`: [`grid`] finds the best width, depth and resolution of a network under a budget, [`compound`] fits compound
//! scaling to it, both by [`accuracies`] that are predicted or come from a [`training`] of each network.

mod accuracies;
mod compound;
mod grid;
mod training;

use std::path::PathBuf;

use clap::Args;
use mnas_engine::scaling::ScalingError;
use mnas_latency::{
    LatencyError, LatencyModel, LatencyTable, Milliseconds, ProfileOptions, RuntimeKind, parse_latency,
};

use super::architecture::ArchitectureArguments;
use super::device::{OpenDevice, TableArguments};
use super::error::{CliError, ExitCode};
use crate::report::Printer;
use accuracies::Accuracies;
use training::TrainingArguments;

#[derive(Debug, Args)]
pub struct ScaleArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    /// Latency that the scaled network may have, with its unit, such as 20ms
    #[arg(long, value_parser = parse_latency, required_unless_present = "compound")]
    budget: Option<Milliseconds>,
    /// The device of the latency: a name, or the path of a TOML file
    #[arg(long, default_value = "host")]
    device: String,
    /// Width multipliers to try [default: 0.25 to 1.4]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    widths: Vec<f64>,
    /// Multipliers of the number of layers in each stage [default: 1]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    depths: Vec<f64>,
    /// Sides of the input image in pixels [default: 96 to 320 in steps of 32; with --train, half to one and a half times ARCH's]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    resolutions: Vec<u32>,
    /// Rule of widths and depths for stem, head and outer stages: width, depth, resolution, efficientnet, efficientnet-lite
    /// [default: width, efficientnet with --compound]
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Fit the bases of compound scaling (EfficientNet's alpha, beta and gamma, arXiv:1905.11946) and give the family
    #[arg(long, conflicts_with_all = ["budget", "widths", "depths", "resolutions"])]
    compound: bool,
    /// The folder of the files [default: results/scale/<ARCH>-<device>-<budget>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tables: TableArguments,
    #[command(flatten)]
    training: TrainingArguments,
}

pub fn run(arguments: &ScaleArguments, printer: &Printer) -> Result<(), CliError> {
    arguments.training.check()?;
    let (base, name) = match arguments.training.train {
        Some(_) => arguments.architecture.resolve_for(arguments.training.classes()?)?,
        None => arguments.architecture.resolve()?,
    };
    match arguments.budget {
        Some(budget) => grid::run(arguments, (&base, &name), budget, printer),
        None => compound::run(arguments, (&base, &name), printer),
    }
}

/// Opens a device with what predicts latencies on it.
fn open_device(arguments: &ScaleArguments) -> Result<(OpenDevice, LatencyModel), CliError> {
    let mut opened = OpenDevice::open(&arguments.device, &arguments.tables.tables)?;
    let is_published = opened.device.runtime == RuntimeKind::Published;
    if !is_published && !LatencyTable::exists(&opened.folder) {
        let (folder, device) = (opened.folder.clone(), opened.device.name);
        return Err(LatencyError::TableMissing { folder, device }.into());
    }
    let table = opened.table(&ProfileOptions::quick().measure)?;
    let model = LatencyModel::of(&table)?;
    Ok((opened, model))
}

/// An error of scaling as the command reports it.
fn refusal(error: &ScalingError) -> CliError {
    let message = error.to_string();
    match error {
        ScalingError::OverBudget { .. } => CliError::new(ExitCode::NoNetworkFits, message),
        ScalingError::EmptyGrid { .. } => CliError::usage(message),
        ScalingError::Rule(_) => CliError::config(message),
        ScalingError::NoAccuracy { .. } => CliError::config(message).with_help(
            "predictions hold for networks like the published ones, of 96 pixels and more; --data and --train compare trained accuracies",
        ),
        ScalingError::NoDepth => CliError::config(message)
            .with_help("leave out --compound and give a --budget to scale width and resolution"),
    }
}

/// A name that can be part of a file's: `mobilenetv2-1.0x-224`.
fn slug(name: &str) -> String {
    let kept = name.chars().map(|character| match character {
        'a'..='z' | '0'..='9' | '.' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    });
    kept.collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parts_of_paths() {
        assert_eq!(slug("MobileNetV2 1.0x 224"), "mobilenetv2-1.0x-224");
        assert_eq!(slug("nets/own.toml"), "nets-own.toml");
        assert_eq!(slug("ssh:pi@board"), "ssh-pi-board");
    }
}

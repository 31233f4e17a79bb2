//! `mnas imagenet`: [`fit`] writes the coefficients of the ImageNet predictor, [`check`] measures its errors on held-out networks,
//! [`overview`] draws a predicted front beside a trained study.

mod check;
mod fit;
mod overview;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mnas_engine::imagenet::{AccelNetwork, read_accel};

use super::error::CliError;
use crate::report::Printer;

#[derive(Debug, Args)]
pub struct ImagenetArguments {
    #[command(subcommand)]
    command: ImagenetCommand,
}

#[derive(Debug, Subcommand)]
enum ImagenetCommand {
    /// Fit the coefficients to the published networks and to Accel-NASBench, and write them
    Fit(fit::FitArguments),
    /// Predict published networks without their families, and held-out fifths of Accel-NASBench; print the errors
    Check(check::CheckArguments),
    /// Draw the predicted front of a space beside the front of a study of trained networks: SVG and PNG, wide and for phones
    Overview(overview::OverviewArguments),
}

/// The table of Accel-NASBench, which is not part of mnas.
#[derive(Debug, Clone, Args)]
struct AccelArguments {
    /// The table of Accel-NASBench (arXiv:2404.08005): CSV with the columns `arch` and `top1`
    #[arg(value_name = "ACCEL_CSV")]
    accel: PathBuf,
}

impl AccelArguments {
    /// Networks of the table; an error where there are fewer than a fit needs.
    fn read(&self) -> Result<Vec<AccelNetwork>, CliError> {
        let networks = read_accel(&self.accel).map_err(|error| CliError::config(error.to_string()))?;
        if networks.len() < LEAST_NETWORKS {
            return Err(too_few(&self.accel, networks.len()));
        }
        Ok(networks)
    }
}

/// Least number of networks of a fit: several for each of its features.
const LEAST_NETWORKS: usize = 100;

fn too_few(path: &Path, count: usize) -> CliError {
    CliError::config(format!(
        "{} has {count} networks; a fit needs at least {LEAST_NETWORKS}; Accel-NASBench has 4,100",
        path.display()
    ))
}

pub fn run(arguments: &ImagenetArguments, printer: &Printer) -> Result<(), CliError> {
    match &arguments.command {
        ImagenetCommand::Fit(arguments) => fit::run(arguments, printer),
        ImagenetCommand::Check(arguments) => check::run(arguments, printer),
        ImagenetCommand::Overview(arguments) => overview::run(arguments, printer),
    }
}

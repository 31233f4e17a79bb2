//! `mnas imagenet fit`

use std::path::PathBuf;

use clap::Args;
use mnas_engine::files;
use mnas_engine::imagenet::{Coefficients, fit, published_networks};

use super::super::error::CliError;
use super::AccelArguments;
use crate::report::{Printer, units};

#[derive(Debug, Args)]
pub struct FitArguments {
    #[command(flatten)]
    accel: AccelArguments,
    /// The file of coefficients; mnas has those of configs/imagenet/predictor.toml compiled in
    #[arg(long, short, value_name = "FILE", default_value = "configs/imagenet/predictor.toml")]
    out: PathBuf,
}

pub fn run(arguments: &FitArguments, printer: &Printer) -> Result<(), CliError> {
    let accel = arguments.accel.read()?;
    let coefficients = fit::fit(&published_networks(), &accel);
    if let Some(folder) = arguments.out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::create_folder(folder)?;
    }
    files::write_atomically(&arguments.out, coefficients.to_toml().as_bytes())?;
    let built_in = if coefficients == Coefficients::embedded() {
        "the same as those in this program"
    } else {
        "different from those in this program, which includes them once it is rebuilt"
    };
    Ok(printer.result(&format!(
        "wrote {}: fitted to {} published networks and {} of Accel-NASBench; {built_in}",
        arguments.out.display(),
        coefficients.published_networks,
        units::grouped(coefficients.accel_networks as u64)
    ))?)
}

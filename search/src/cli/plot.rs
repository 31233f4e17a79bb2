//! `mnas plot`

use std::path::PathBuf;

use clap::Args;
use mnas_engine::study::{StudyFolder, load, replay};

use super::error::CliError;
use crate::report::{Printer, closing_table};
use crate::study::{outcome, redraw};

#[derive(Debug, Args)]
pub struct PlotArguments {
    /// The study's folder
    study: PathBuf,
}

pub fn run(arguments: &PlotArguments, printer: &Printer) -> Result<(), CliError> {
    let folder = StudyFolder::open(&arguments.study)?;
    let (config, problem) = load(&folder)?;
    let outcome = outcome(&config, &problem, &replay(&folder)?);
    for path in redraw(&folder, &outcome)? {
        printer.status(&format!("wrote {}", path.display()));
    }
    Ok(printer.result(&closing_table(&outcome.rows, printer.table_options()))?)
}

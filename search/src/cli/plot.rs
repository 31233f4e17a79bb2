//! `mnas plot`

use std::path::PathBuf;

use clap::Args;
use mnas_engine::study::{StudyFolder, load, replay};

use super::cancel_flag;
use super::error::CliError;
use super::search::beside::{self, Demo};
use super::search::predicted::interrupted;
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
    let mut paths = redraw(&folder, &outcome)?;
    if beside::is_written(&folder) {
        let demo = Demo {
            folder: &folder,
            config: &config,
            problem: &problem,
        };
        let predicted = beside::predict(demo, printer, &*cancel_flag()?)?.ok_or_else(interrupted)?;
        paths.extend(beside::draw(&folder, &predicted, &outcome)?);
    }
    for path in paths {
        printer.status(&format!("wrote {}", path.display()));
    }
    Ok(printer.result(&closing_table(&outcome.rows, printer.table_options()))?)
}

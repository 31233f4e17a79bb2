//! `mnas plot`

use std::path::PathBuf;

use clap::Args;

use super::error::CliError;
use crate::report::{Printer, closing_table};
use crate::study::{outcome, redraw};
use mnas_engine::files;
use mnas_engine::study::{Journal, StudyConfig, StudyFolder, StudyState};

#[derive(Debug, Args)]
pub struct PlotArguments {
    /// The study's folder
    study: PathBuf,
}

pub fn run(arguments: &PlotArguments, printer: &Printer) -> Result<(), CliError> {
    let folder = StudyFolder::open(&arguments.study)?;
    let (config, state) = load(&folder)?;
    let outcome = outcome(&config, &state);
    for path in redraw(&folder, &outcome)? {
        printer.status(&format!("wrote {}", path.display()));
    }
    Ok(printer.result(&closing_table(&outcome.rows, printer.table_options()))?)
}

/// A study's configuration and state from its files.
pub fn load(folder: &StudyFolder) -> Result<(StudyConfig, StudyState), CliError> {
    let path = folder.config();
    let text = files::read_text(&path).map_err(|error| CliError::config(error.to_string()))?;
    let config = StudyConfig::from_toml(&text).map_err(|error| config_error(&path, &text, &error))?;
    let events = Journal::read(&folder.journal())?;
    let state = StudyState::replay(&events)
        .map_err(|problem| CliError::config(format!("{}: {problem}", folder.journal().display())))?;
    Ok((config, state))
}

/// A configuration error with its place where it has one.
pub fn config_error(path: &std::path::Path, text: &str, error: &mnas_engine::study::ConfigError) -> CliError {
    match error {
        mnas_engine::study::ConfigError::Document(place) => CliError::document(path, text, place),
        error => CliError::config(format!("{}: {error}", path.display())),
    }
}

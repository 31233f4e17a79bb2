//! `mnas completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::error::CliError;
use crate::report::Printer;

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

pub fn run(arguments: &CompletionsArguments, printer: &Printer) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "mnas", &mut script);
    Ok(printer.result(&String::from_utf8_lossy(&script))?)
}

//! `mnas worker`

use std::io::{BufReader, stdin, stdout};

use clap::Args;

use super::error::CliError;
use mnas_engine::training::TrainDevice;
use mnas_train::serve;

#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// Where to train: cpu, cuda, or cuda:N
    #[arg(long, default_value_t)]
    pub device: TrainDevice,
}

pub fn run(arguments: &WorkerArguments) -> Result<(), CliError> {
    // Ctrl-C on a terminal reaches the whole group; the coordinator decides what becomes of its workers.
    ctrlc::set_handler(|| {}).map_err(|error| CliError::failure(format!("cannot listen for Ctrl-C: {error}")))?;
    let abandon = || std::process::exit(0);
    Ok(serve(BufReader::new(stdin()), stdout(), arguments.device, abandon)?)
}

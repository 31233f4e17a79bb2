//! `mnas worker`: becomes `mnas-worker serve`, so that `ssh host mnas worker` needs one program name.

use std::process::Command;

use clap::Args;
use mnas_engine::training::TrainDevice;

use super::error::CliError;
use crate::worker_client;

#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// Device that libtorch trains on: cpu, cuda, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    train_device: TrainDevice,
}

pub fn run(arguments: &WorkerArguments) -> Result<(), CliError> {
    let command = worker_client::command(arguments.train_device)?;
    let (program, rest) = command
        .words()
        .split_first()
        .ok_or_else(|| CliError::failure("the worker's command is empty"))?;
    become_command(Command::new(program).args(rest))
}

#[cfg(unix)]
fn become_command(command: &mut Command) -> Result<(), CliError> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn become_command(command: &mut Command) -> Result<(), CliError> {
    let status = command.status()?;
    match status.success() {
        true => Ok(()),
        false => Err(CliError::failure(format!("the worker ended with {status}"))),
    }
}

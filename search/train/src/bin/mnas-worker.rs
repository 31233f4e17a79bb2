//! Trains, evaluates and measures with libtorch for an `mnas` behind its stdin and stdout.

use std::io::{BufReader, stderr, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Parser, Subcommand};
use mnas_engine::training::TrainDevice;
use mnas_latency::{Device, Runtime, RuntimeError, agent};
use mnas_train::{TorchRuntime, prepare_process, serve};
use tracing_subscriber::EnvFilter;

/// Name and version in the hello message.
const PROGRAM: &str = concat!("mnas-worker ", env!("CARGO_PKG_VERSION"));

/// Trains, evaluates and measures with libtorch for mnas
///
/// `mnas` starts it, here or through a command such as `ssh host mnas-worker serve`. It exchanges JSON lines over stdin and stdout until
/// stdin ends.
#[derive(Debug, Parser)]
#[command(name = "mnas-worker", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Load images, train and evaluate networks
    Serve {
        /// Device that libtorch trains on: cpu, cuda, or cuda:N
        #[arg(long, value_name = "DEVICE", default_value_t)]
        train_device: TrainDevice,
    },
    /// Measure latencies: the devices host-torch and cuda
    Agent {
        /// Load the CUDA part of libtorch
        #[arg(long)]
        cuda: bool,
    },
}

impl Command {
    /// Device whose libraries the process needs.
    fn device(&self) -> TrainDevice {
        match self {
            Self::Serve { train_device } => *train_device,
            Self::Agent { cuda: true } => TrainDevice::Cuda(0),
            Self::Agent { cuda: false } => TrainDevice::Cpu,
        }
    }
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    // Stdout is for replies.
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("MNAS_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(stderr)
        .without_time()
        .init();
    if let Err(error) = prepare_process(command.device()) {
        tracing::error!("{error}");
        return ExitCode::FAILURE;
    }
    // Ctrl-C on a terminal reaches every process of the group; the coordinator ends its workers itself.
    #[cfg(unix)]
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false))) {
        tracing::warn!("Ctrl-C ends this worker: {error}");
    }
    let input = BufReader::new(stdin());
    let served = match command {
        Command::Serve { train_device } => serve(input, stdout(), PROGRAM, train_device, || std::process::exit(0)),
        Command::Agent { .. } => agent::serve(input, stdout(), PROGRAM, &mut open_libtorch),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the pipe to the coordinator broke: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Opens libtorch for a device, independent of the runtime that the device names.
fn open_libtorch(device: &Device) -> Result<Box<dyn Runtime>, RuntimeError> {
    Ok(Box::new(TorchRuntime::open(device)?))
}

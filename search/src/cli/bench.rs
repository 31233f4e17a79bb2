//! `mnas bench`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use mnas_engine::training::TrainDevice;
use mnas_engine::worker::{DataThroughputRequest, FromWorker, ToWorker};
use serde::Serialize;

use super::architecture::ArchitectureArguments;
use super::error::CliError;
use super::train::num_cores;
use crate::report::{Printer, units};
use crate::worker_client::{TrainingLoad, WorkerClient, WorkerError, throughput};

#[derive(Debug, Args)]
pub struct BenchArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    /// Images per step
    #[arg(long, default_value_t = 128)]
    batch_size: usize,
    /// libtorch's threads of each process [default: the cores, divided by the processes]
    #[arg(long)]
    threads: Option<usize>,
    /// Processes that train at the same time
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Duration of each measurement
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// Device that libtorch trains on: cpu, cuda, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    train_device: TrainDevice,
    /// Measure instead the speed, in images per second on all cores, at which this data set is read, cropped at random, flipped,
    /// normalised and batched at the network's resolution
    #[arg(long, value_name = "PATH", conflicts_with_all = ["threads", "workers", "train_device"])]
    data: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &BenchArguments, printer: &Printer) -> Result<(), CliError> {
    let (architecture, name) = arguments.architecture.resolve()?;
    if let Some(data) = &arguments.data {
        return bench_data(arguments, data, architecture.resolution, printer);
    }
    let workers = arguments.workers.max(1);
    let speed = throughput(&TrainingLoad {
        architecture: &architecture,
        batch_size: arguments.batch_size.max(2),
        workers,
        threads: arguments.threads.unwrap_or(num_cores() / workers).max(1),
        time: arguments.time,
        device: arguments.train_device,
    })?;
    if arguments.json {
        return Ok(printer.json(&speed)?);
    }
    let peak = speed
        .peak_memory_mib
        .map_or_else(String::new, |peak| format!(", {peak:.0} MiB at most"));
    Ok(printer.result(&format!(
        "{name}, {} px, batch {}, on {}: {:.0} images/s in {workers} x {} threads{peak}",
        speed.resolution, speed.batch_size, speed.device, speed.images_per_s, speed.threads
    ))?)
}

/// The document of `mnas bench --data --json`.
#[derive(Debug, Serialize)]
struct DataDocument {
    resolution: u32,
    batch_size: usize,
    images: usize,
    /// Images per second where every image is read and decoded each time.
    images_per_s: f64,
    /// Images per second where the decoded images are in memory.
    kept_images_per_s: f64,
    /// Seconds to decode all images once.
    decode_seconds: f64,
    peak_memory_mib: Option<f64>,
}

fn bench_data(arguments: &BenchArguments, data: &Path, resolution: u32, printer: &Printer) -> Result<(), CliError> {
    let batch_size = arguments.batch_size.max(2);
    let request = ToWorker::DataThroughput(DataThroughputRequest {
        data: data.to_path_buf(),
        resolution,
        batch_size,
        time: arguments.time,
    });
    let found = match WorkerClient::start(TrainDevice::Cpu)?.request(&request)? {
        FromWorker::DataThroughput(found) => found,
        other => return Err(WorkerError::unexpected(&other).into()),
    };
    let document = DataDocument {
        resolution,
        batch_size,
        images: found.images,
        images_per_s: found.images_per_second,
        kept_images_per_s: found.kept_images_per_second,
        decode_seconds: found.decode_seconds,
        peak_memory_mib: found.peak_memory_mib,
    };
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    Ok(printer.result(&format!(
        "{} images of {} at {resolution} px, batch {batch_size}: {:.0} images/s decoded anew each time, {:.0} images/s kept decoded ({} once)",
        document.images,
        data.display(),
        document.images_per_s,
        document.kept_images_per_s,
        units::seconds(document.decode_seconds)
    ))?)
}

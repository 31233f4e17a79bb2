//! Training speed of a network in several workers at once.

use std::time::Duration;

use mnas_engine::training::{Recipe, RecipeError, TrainDevice};
use mnas_engine::worker::{FromWorker, ThroughputRequest, ToWorker};
use mnas_space::Architecture;
use serde::{Deserialize, Serialize};

use super::client::WorkerClient;
use super::error::WorkerError;

/// A network that is trained in several workers at once.
#[derive(Debug, Clone, Copy)]
pub struct TrainingLoad<'a> {
    /// The network.
    pub architecture: &'a Architecture,
    /// Images per step.
    pub batch_size: usize,
    /// Number of workers.
    pub workers: usize,
    /// Threads of each worker.
    pub threads: usize,
    /// Duration of the measurement.
    pub time: Duration,
    /// Device that libtorch trains on.
    pub device: TrainDevice,
}

/// Training speed of a [`TrainingLoad`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSpeed {
    /// Device that libtorch trained on.
    pub device: TrainDevice,
    /// Side of the images in pixels.
    pub resolution: u32,
    /// Images per step.
    pub batch_size: usize,
    /// Number of workers.
    pub workers: usize,
    /// Threads of each worker.
    pub threads: usize,
    /// Images per second of all workers together.
    pub images_per_s: f64,
    /// Sum of the largest memory of each worker in MiB, where the system reports it.
    pub peak_memory_mib: Option<f64>,
}

/// Measures the training speed of a network on random images, in workers that train at the same time.
///
/// # Panics
///
/// Never: the embedded recipe is tested.
pub fn throughput(load: &TrainingLoad<'_>) -> Result<TrainingSpeed, WorkerError> {
    let quick = Recipe::embedded("quick").unwrap_or_else(|error: RecipeError| panic!("an embedded recipe: {error}"));
    let request = ToWorker::Throughput(Box::new(ThroughputRequest {
        architecture: load.architecture.to_string(),
        recipe: Recipe {
            batch_size: load.batch_size,
            ..quick
        },
        threads: load.threads,
        time: load.time,
    }));
    let mut workers = Vec::new();
    for _ in 0..load.workers {
        workers.push(WorkerClient::start(load.device)?);
    }
    // All workers are started before any trains.
    for worker in &mut workers {
        worker.send(&request);
    }
    let mut speed = TrainingSpeed {
        device: load.device,
        resolution: load.architecture.resolution,
        batch_size: load.batch_size,
        workers: load.workers,
        threads: load.threads,
        images_per_s: 0.0,
        peak_memory_mib: Some(0.0),
    };
    for worker in &mut workers {
        match worker.reply()? {
            FromWorker::Throughput(one) => {
                speed.images_per_s += one.images_per_second;
                speed.peak_memory_mib = speed
                    .peak_memory_mib
                    .zip(one.peak_memory_mib)
                    .map(|(sum, one)| sum + one);
            }
            other => return Err(WorkerError::unexpected(&other)),
        }
    }
    Ok(speed)
}

//! Client of `mnas-worker`, the program that links libtorch: trains, evaluates and measures in a process of its own.
//!
//! [`WorkerClient`] starts a worker and sends it one request at a time; [`inspect`] and [`throughput`] start workers for one request.

mod client;
mod error;
mod program;
mod throughput;

use mnas_engine::training::{DataRequest, TrainDevice};
use mnas_engine::worker::{FromWorker, Inspected, ToWorker};

pub use client::WorkerClient;
pub use error::WorkerError;
pub use mnas_engine::worker::LIBTORCH_VERSION;
pub use program::{agent_command, command, program};
pub use throughput::{TrainingLoad, TrainingSpeed, throughput};

/// Recognises a data set without loading its images.
pub fn inspect(data: &DataRequest) -> Result<Inspected, WorkerError> {
    let mut worker = WorkerClient::start(TrainDevice::Cpu)?;
    match worker.request(&ToWorker::Inspect(data.clone()))? {
        FromWorker::Inspected(inspected) => Ok(*inspected),
        other => Err(WorkerError::unexpected(&other)),
    }
}

//! Measurements of training and of reading images.

use mnas_engine::training::TrainDevice;
use mnas_engine::worker::{DataThroughputRequest, FromWorker, Throughput, ThroughputRequest};
use mnas_space::Architecture;

use super::fault::Fault;
use crate::data_throughput::data_throughput;
use crate::device::open_device;
use crate::memory::peak_memory_mib;
use crate::network::Network;
use crate::throughput::throughput;

/// Measures the training speed of a network.
pub(super) fn training(request: &ThroughputRequest, device: TrainDevice) -> Result<FromWorker, Fault> {
    tch::set_num_threads(i32::try_from(request.threads.max(1)).unwrap_or(1));
    let architecture: Architecture = request.architecture.parse().map_err(Fault::input)?;
    let network = Network::new(architecture.graph(), open_device(device)?, 0)?;
    let found = throughput(&network, &request.recipe, request.time)?;
    Ok(FromWorker::Throughput(Throughput {
        images_per_second: found.images_per_second,
        steps: found.steps,
        peak_memory_mib: peak_memory_mib(),
    }))
}

/// Measures the speed of reading a data set.
pub(super) fn reading(request: &DataThroughputRequest) -> Result<FromWorker, Fault> {
    Ok(FromWorker::DataThroughput(data_throughput(request)?))
}

//! Measurements of signals.

use mnas_engine::ranking::Signal;
use mnas_engine::training::{Augmentation, ExtraAugmentation, TrainDevice};
use mnas_engine::worker::{FromWorker, SignalsRequest};
use mnas_space::Architecture;
use tch::Tensor;

use super::fault::Fault;
use super::loaded::Loaded;
use crate::data::{BatchOptions, Batches};
use crate::device::open_device;
use crate::feed;
use crate::signals::{self, Inputs};

/// Least number of images for a meaningful covariance or kernel.
const LEAST_IMAGES: usize = 2;

/// Measures the signals of a network, on the loaded training images where one of them needs images.
pub(super) fn measure(
    request: &SignalsRequest,
    device: TrainDevice,
    loaded: Option<&Loaded>,
) -> Result<FromWorker, Fault> {
    tch::set_num_threads(i32::try_from(request.threads.max(1)).unwrap_or(1));
    let architecture: Architecture = request.architecture.parse().map_err(Fault::input)?;
    if request.batch_size < LEAST_IMAGES {
        return Err(Fault::input("signals need a batch of at least 2 images"));
    }
    let device = open_device(device)?;
    let images = match loaded {
        _ if !request.signals.iter().any(|signal| signal.needs_images()) => None,
        None => {
            let names: Vec<&str> = request.signals.iter().map(|signal: &Signal| signal.name()).collect();
            return Err(Fault::computation(format!(
                "the images for {} must be loaded first",
                names.join(", ")
            )));
        }
        Some(loaded) => Some(images(loaded, &architecture, request)?.f_to_device(device)?),
    };
    let inputs = Inputs::new(
        images,
        request.batch_size,
        architecture.resolution,
        device,
        request.seed,
    )?;
    let measured = request
        .signals
        .iter()
        .map(|&signal| signals::measure(signal, &architecture, &inputs, device, request.seed));
    Ok(FromWorker::Signals(measured.collect::<Result<_, _>>()?))
}

/// A batch of training images chosen by the seed, at the resolution of the network.
fn images(loaded: &Loaded, architecture: &Architecture, request: &SignalsRequest) -> Result<Tensor, Fault> {
    let options = BatchOptions {
        batch_size: request.batch_size,
        resolution: architecture.resolution,
        augmentation: Augmentation::None,
        extra: ExtraAugmentation::default(),
        normalization: loaded.normalization,
        seed: request.seed,
    };
    let batch = Batches::train(&loaded.splits.train, &options, 0)?.next().transpose()?;
    let batch = batch.filter(|batch| batch.len() >= LEAST_IMAGES);
    let batch = batch.ok_or_else(|| Fault::input("signals need at least 2 training images"))?;
    Ok(feed::tensors(&batch)?.0)
}

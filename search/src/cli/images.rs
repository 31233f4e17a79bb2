//! Images for networks that are computed without libtorch: options of their conversion, and reading through the worker.

use std::sync::atomic::AtomicBool;

use clap::Args;
use mnas_engine::training::{Fit, Normalization, TrainDevice};
use mnas_engine::worker::{Floats, FromWorker, ImagesRequest, ToWorker};

use super::error::CliError;
use crate::report::Printer;
use crate::worker_client::{WorkerClient, WorkerError};

/// Normalisation of images.
#[derive(Debug, Args)]
pub struct NormalizationArguments {
    /// Mean of the channels, from 0 to 1: one number, or three with commas [default: the weights', or the images']
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "std")]
    mean: Option<[f32; 3]>,
    /// Standard deviation of the channels
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "mean")]
    std: Option<[f32; 3]>,
}

/// Conversion of images to the input of the network.
#[derive(Debug, Args)]
pub struct InputArguments {
    #[command(flatten)]
    normalization: NormalizationArguments,
    /// Side of the centre square of an image that the network receives, as a share of the short side (0.875 is usual for `ImageNet`)
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    crop: f64,
    /// Give the network the whole image, squeezed into a square
    #[arg(long, conflicts_with = "crop")]
    squash: bool,
}

impl NormalizationArguments {
    /// The normalisation of the flags, where given.
    pub fn get(&self) -> Result<Option<Normalization>, CliError> {
        let (Some(mean), Some(std)) = (self.mean, self.std) else {
            return Ok(None);
        };
        if std.iter().any(|&value| value <= 0.0) {
            return Err(CliError::usage("--std takes numbers above 0"));
        }
        Ok(Some(Normalization { mean, std }))
    }
}

impl InputArguments {
    /// The normalisation of the flags, where given.
    pub fn normalization(&self) -> Result<Option<Normalization>, CliError> {
        self.normalization.get()
    }

    /// The conversion to a square.
    pub fn fit(&self) -> Fit {
        if self.squash { Fit::Squash } else { Fit::Crop(self.crop) }
    }
}

/// Parses one number for all channels, or three.
fn channels(text: &str) -> Result<[f32; 3], String> {
    let numbers: Vec<f32> = text
        .split(',')
        .map(|number| number.trim().parse::<f32>().ok().filter(|number| number.is_finite()))
        .collect::<Option<_>>()
        .ok_or("expected one number, or three separated by commas")?;
    match numbers[..] {
        [all] => Ok([all; 3]),
        [red, green, blue] => Ok([red, green, blue]),
        _ => Err("expected one number, or three separated by commas".to_owned()),
    }
}

/// Reads images as a network takes them, `[height, width, 3]`, with a worker of its own; passes each with the number of its class to
/// `visit`.
pub fn visit_images(
    request: ImagesRequest,
    cancel: &AtomicBool,
    printer: &Printer,
    visit: &mut dyn FnMut(Floats, u32),
) -> Result<(), CliError> {
    let mut worker = WorkerClient::start(TrainDevice::Cpu)?;
    let mut on_progress = |progress: FromWorker| match progress {
        FromWorker::Images { images, labels } => {
            for (image, label) in images.into_iter().zip(labels) {
                visit(image, label);
            }
        }
        FromWorker::Warning { message } => printer.warning(&message),
        _ => {}
    };
    let request = ToWorker::Images(Box::new(request));
    match worker.request_cancellable(&request, cancel, &mut on_progress)? {
        FromWorker::ImagesRead { .. } => Ok(()),
        other => Err(WorkerError::unexpected(&other).into()),
    }
}

/// Reads images into memory, like [`visit_images`].
pub fn read_images(request: ImagesRequest, cancel: &AtomicBool, printer: &Printer) -> Result<Vec<Floats>, CliError> {
    let mut images = Vec::new();
    visit_images(request, cancel, printer, &mut |image, _| images.push(image))?;
    Ok(images)
}

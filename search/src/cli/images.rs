//! Images for networks that are computed without libtorch: options of their conversion, and reading through the worker.

use std::sync::atomic::AtomicBool;

use clap::Args;
use mnas_engine::training::{Fit, Normalization, TrainDevice};
use mnas_engine::worker::{Floats, FromWorker, ImagesRequest, ToWorker};

use super::error::CliError;
use crate::report::Printer;
use crate::worker_client::{WorkerClient, WorkerError};

/// Conversion of images to the input of the network.
#[derive(Debug, Args)]
pub struct InputArguments {
    /// Mean of the channels, from 0 to 1: one number, or three with commas [default: the weights', or the images']
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "std")]
    mean: Option<[f32; 3]>,
    /// Standard deviation of the channels
    #[arg(long, value_name = "R,G,B", value_parser = channels, requires = "mean")]
    std: Option<[f32; 3]>,
    /// Side of the centre square of an image that the network sees, as a share of the short side (0.875 is usual for `ImageNet`)
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    crop: f64,
    /// Show the network the whole image, squeezed into a square
    #[arg(long, conflicts_with = "crop")]
    squash: bool,
}

impl InputArguments {
    /// The normalisation of the flags, where given.
    pub fn normalization(&self) -> Result<Option<Normalization>, CliError> {
        let (Some(mean), Some(std)) = (self.mean, self.std) else {
            return Ok(None);
        };
        if std.iter().any(|&value| value <= 0.0) {
            return Err(CliError::usage("--std takes numbers above 0"));
        }
        Ok(Some(Normalization { mean, std }))
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

/// Images as a network takes them, in memory.
pub struct Images {
    /// Values of each image, `[height, width, 3]`.
    pub images: Vec<Floats>,
    /// Class of each image.
    pub labels: Vec<u32>,
    /// Names of the classes; none for images without labels.
    pub classes: Vec<String>,
}

/// Reads images with a worker of its own.
pub fn read_images(request: ImagesRequest, cancel: &AtomicBool, printer: &Printer) -> Result<Images, CliError> {
    let mut worker = WorkerClient::start(TrainDevice::Cpu)?;
    let mut found = Images {
        images: Vec::new(),
        labels: Vec::new(),
        classes: Vec::new(),
    };
    let mut on_progress = |progress: FromWorker| match progress {
        FromWorker::Images { images, labels } => {
            found.images.extend(images);
            found.labels.extend(labels);
        }
        FromWorker::Warning { message } => printer.warning(&message),
        _ => {}
    };
    let request = ToWorker::Images(Box::new(request));
    match worker.request_cancellable(&request, cancel, &mut on_progress)? {
        FromWorker::ImagesRead { classes, .. } => {
            found.classes = classes;
            Ok(found)
        }
        other => Err(WorkerError::unexpected(&other).into()),
    }
}

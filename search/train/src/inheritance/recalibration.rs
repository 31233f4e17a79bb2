//! Batch-norm statistics of a network whose weights were cut from another.

use std::sync::Arc;

use tch::Device;

use crate::data::{BatchOptions, Batches, ImageSet};
use crate::error::TrainError;
use crate::feed::Feed;
use crate::network::{Network, TrainingMode};

/// Images that a recalibration reads unless told otherwise.
pub const RECALIBRATION_IMAGES: usize = 1024;

/// Computes the running means and variances of all batch-norms anew, as averages over `images` shuffled images of `set`; returns how
/// many were read. Weights do not change.
///
/// Statistics of the parent do not hold for other channels and kernels: a network cut from `MobileNetV2` is near random with them.
pub fn recalibrate(
    network: &Network,
    set: &Arc<ImageSet>,
    options: &BatchOptions,
    images: usize,
) -> Result<usize, TrainError> {
    let _guard = tch::no_grad_guard();
    let device: Device = network.device();
    let mut feed = Feed::new(Batches::train_from(set, options, 0, 0)?, device);
    let (mut read, mut batches) = (0, 0u32);
    while read < images
        && let Some(batch) = feed.next()
    {
        let batch = batch?;
        // Batch normalisation needs two images.
        if batch.count < 2 {
            continue;
        }
        batches += 1;
        // The mean of all batches so far; the first replaces the statistics of the parent.
        let mode = TrainingMode {
            dropout: None,
            batch_norm_momentum: Some(1.0 / f64::from(batches)),
            is_backbone_frozen: false,
        };
        drop(network.forward_as(&batch.images, Some(&mode))?);
        read += batch.count;
    }
    Ok(read)
}

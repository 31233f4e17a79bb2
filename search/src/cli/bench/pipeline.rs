//! `mnas bench --data`: how many images a second are made ready for a training.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::error::CliError;
use mnas_engine::training::{Augmentation, DataRequest, ExtraAugmentation, Normalization, OnCorrupt, Split};
use mnas_train::data::{BatchOptions, Batches, ImageSet, Watch};

/// The smallest part of an image that becomes one, as in torchvision's `RandomResizedCrop`.
const AUGMENTATION: Augmentation = Augmentation::ResizedCropFlip { min_area: 0.08 };

/// Images a second of reading, random resized crop, flip, normalisation and batching, on all cores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pipeline {
    pub resolution: u32,
    pub batch_size: usize,
    pub images: usize,
    /// Every image read and decoded each time.
    pub images_per_s: f64,
    /// The decoded images kept in memory.
    pub kept_images_per_s: f64,
    /// Time for decoding all of them once.
    pub decode_seconds: f64,
    pub peak_memory_mib: Option<f64>,
}

/// Makes batches of the training images of `data` for about `time`, twice.
pub fn measure(data: &Path, resolution: u32, batch_size: usize, time: Duration) -> Result<Pipeline, CliError> {
    let request = |memory_mb: Option<u64>| DataRequest {
        path: data.to_owned(),
        images: None,
        val_fraction: 0.1,
        on_corrupt: OnCorrupt::Refuse,
        seed: 0,
        memory_mb,
    };
    let load = |request: &DataRequest| {
        let options = mnas_train::data::load_options(request, resolution, &AUGMENTATION);
        let set = mnas_train::data::source_of(request)?.load_split(Split::Train, &options, Watch::nobody())?;
        Ok::<_, CliError>(Arc::new(set))
    };
    let anew = load(&request(Some(0)))?;
    let images_per_s = rate(&anew, resolution, batch_size, time)?;
    let begin = Instant::now();
    let kept = load(&request(None))?;
    let decode_seconds = begin.elapsed().as_secs_f64();
    Ok(Pipeline {
        resolution,
        batch_size,
        images: kept.len(),
        images_per_s,
        kept_images_per_s: rate(&kept, resolution, batch_size, time)?,
        decode_seconds,
        peak_memory_mib: super::peak_memory_mib(),
    })
}

fn rate(set: &Arc<ImageSet>, resolution: u32, batch_size: usize, time: Duration) -> Result<f64, CliError> {
    let options = BatchOptions {
        batch_size,
        resolution,
        augmentation: AUGMENTATION,
        extra: ExtraAugmentation::default(),
        normalization: Normalization::IMAGENET,
        seed: 0,
    };
    let mut count = 0;
    let mut begin = None;
    for epoch in 0.. {
        for batch in Batches::train(set, &options, epoch)? {
            let images = batch?.len();
            // The first batch has waited for threads to start.
            let begin = *begin.get_or_insert_with(Instant::now);
            if begin.elapsed() >= time && count > 0 {
                return Ok(count as f64 / begin.elapsed().as_secs_f64());
            }
            count += images;
        }
    }
    unreachable!("epochs go on for ever")
}

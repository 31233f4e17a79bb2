//! Speed at which training images are prepared: read, cropped at random, flipped, normalised and batched, on all cores.

use std::sync::Arc;
use std::time::Instant;

use mnas_engine::training::{Augmentation, DataRequest, ExtraAugmentation, Normalization, OnCorrupt, Split};
use mnas_engine::worker::{DataThroughput, DataThroughputRequest};

use crate::data::{BatchOptions, Batches, DataError, ImageSet, Watch, load_options, source_of};
use crate::memory::peak_memory_mib;

/// Augmentation with the smallest part of an image that torchvision's `RandomResizedCrop` takes.
const AUGMENTATION: Augmentation = Augmentation::ResizedCropFlip { min_area: 0.08 };

/// Measures the training images of a data set twice: read and decoded each time, and with the decoded images in memory.
pub(crate) fn data_throughput(request: &DataThroughputRequest) -> Result<DataThroughput, DataError> {
    let streamed = load(request, Some(0))?;
    let images_per_second = rate(&streamed, request)?;
    let begin = Instant::now();
    let kept = load(request, None)?;
    let decode_seconds = begin.elapsed().as_secs_f64();
    Ok(DataThroughput {
        images: kept.len(),
        images_per_second,
        kept_images_per_second: rate(&kept, request)?,
        decode_seconds,
        peak_memory_mib: peak_memory_mib(),
    })
}

fn load(request: &DataThroughputRequest, memory_mb: Option<u64>) -> Result<Arc<ImageSet>, DataError> {
    let data = DataRequest {
        path: request.data.clone(),
        images: None,
        val_fraction: 0.1,
        on_corrupt: OnCorrupt::Refuse,
        seed: 0,
        memory_mb,
    };
    let options = load_options(&data, request.resolution, &AUGMENTATION);
    let set = source_of(&data)?.load_split(Split::Train, &options, Watch::none())?;
    Ok(Arc::new(set))
}

/// Images per second of batches over the time of the request.
fn rate(set: &Arc<ImageSet>, request: &DataThroughputRequest) -> Result<f64, DataError> {
    let options = BatchOptions {
        batch_size: request.batch_size,
        resolution: request.resolution,
        augmentation: AUGMENTATION,
        extra: ExtraAugmentation::default(),
        normalization: Normalization::IMAGENET,
        seed: 0,
    };
    let mut clock: Option<(Instant, usize)> = None;
    for epoch in 0.. {
        for batch in Batches::train(set, &options, epoch)? {
            let images = batch?.len();
            // The time begins with the first batch, which waits for the threads to start.
            let (begin, count) = clock.get_or_insert_with(|| (Instant::now(), 0));
            if begin.elapsed() >= request.time && *count > 0 {
                return Ok(*count as f64 / begin.elapsed().as_secs_f64());
            }
            *count += images;
        }
    }
    unreachable!("the range of epochs has no end")
}

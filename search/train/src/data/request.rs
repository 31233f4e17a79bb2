//! Loading of the images of a request.

use mnas_engine::training::{Augmentation, DataRequest};

use super::error::DataError;
use super::load::{LoadOptions, Watch};
use super::source::DataSource;
use super::splits::Splits;
use super::synthetic::Synthetic;

/// Options to load the images of `request` for trainings at up to `resolution` pixels.
pub fn load_options(request: &DataRequest, resolution: u32, augmentation: &Augmentation) -> LoadOptions {
    // Random parts of an image are scaled up; a margin of 8/7 keeps their detail.
    let image_size = match augmentation {
        Augmentation::ResizedCropFlip { .. } => (resolution * 8).div_ceil(7),
        Augmentation::None | Augmentation::CropFlip { .. } => resolution,
    };
    let defaults = LoadOptions::default();
    LoadOptions {
        fit: defaults.fit,
        memory_limit_bytes: request
            .memory_mb
            .map_or(defaults.memory_limit_bytes, |memory| memory.saturating_mul(1_000_000)),
        image_size,
        limit_per_split: request.images,
        val_fraction: request.val_fraction,
        seed: request.seed,
        on_corrupt: request.on_corrupt,
    }
}

/// Recognises the data set of a request; the demo is drawn by the seed of the request.
pub fn source_of(request: &DataRequest) -> Result<DataSource, DataError> {
    let source = DataSource::recognise(&request.path)?;
    if source.is_synthetic() {
        return DataSource::demo(Synthetic {
            seed: request.seed,
            ..Synthetic::default()
        });
    }
    Ok(source)
}

/// Loads the training and validation images of a request.
pub fn load(
    request: &DataRequest,
    resolution: u32,
    augmentation: &Augmentation,
    watch: Watch<'_>,
) -> Result<Splits, DataError> {
    source_of(request)?.load(&load_options(request, resolution, augmentation), watch)
}

//! Which images a training asks for, as configurations, workers and weight files carry it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Augmentation, DataError, DataSource, LoadOptions, OnCorrupt, Splits, Synthetic, Watch};

/// Which images to train and compare on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DataRequest {
    /// A data set, or `demo`.
    pub path: PathBuf,
    /// At most so many images per split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
    /// Share of each class cut from train for validation where the data set has no split of its own.
    pub val_fraction: f64,
    /// What to do about corrupt images.
    pub on_corrupt: OnCorrupt,
    /// Decides the validation cut and the subset.
    pub seed: u64,
    /// Decoded images of a split that need more memory than this, in MB, are read anew each time. Default: 4 GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
}

impl DataRequest {
    /// How the images are loaded for trainings at up to `resolution` pixels.
    pub fn load_options(&self, resolution: u32, augmentation: &Augmentation) -> LoadOptions {
        // Random parts of an image are scaled up; a margin of 8/7 keeps their detail.
        let image_size = match augmentation {
            Augmentation::ResizedCropFlip { .. } => (resolution * 8).div_ceil(7),
            Augmentation::None | Augmentation::CropFlip { .. } => resolution,
        };
        let defaults = LoadOptions::default();
        LoadOptions {
            fit: defaults.fit,
            memory_limit_bytes: self
                .memory_mb
                .map_or(defaults.memory_limit_bytes, |memory| memory.saturating_mul(1_000_000)),
            image_size,
            limit_per_split: self.images,
            val_fraction: self.val_fraction,
            seed: self.seed,
            on_corrupt: self.on_corrupt,
        }
    }

    /// Recognises the data set; the demo is drawn from this request's seed.
    pub fn source(&self) -> Result<DataSource, DataError> {
        let source = DataSource::recognise(&self.path)?;
        if source.is_demo() {
            return DataSource::demo(Synthetic {
                seed: self.seed,
                ..Synthetic::default()
            });
        }
        Ok(source)
    }

    /// Loads train and validation images.
    pub fn load(&self, resolution: u32, augmentation: &Augmentation, watch: Watch<'_>) -> Result<Splits, DataError> {
        self.source()?.load(&self.load_options(resolution, augmentation), watch)
    }
}

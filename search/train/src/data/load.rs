//! Decoding the chosen images into memory, in parallel and in a fixed order.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use mnas_engine::training::{Fit, OnCorrupt, OptionError};

use super::DataError;
use super::decode::{Scaler, decode_rgb};
use super::image_set::{Store, square_bytes};
use super::index::{Origin, Sample};
use super::parquet::RowReader;

/// How a data set is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LoadOptions {
    /// The side in pixels of the stored images: the short side of each image is scaled to it and the centre
    /// square kept. Sets whose images are all smaller (CIFAR, MNIST) stay at their own size and are scaled
    /// batch by batch. With random parts as augmentation, take it larger than the training resolution
    /// (8/7 of it is usual), so that small parts keep their detail. Default 64.
    pub image_size: u32,
    /// At most so many images per split, the same number of each class; chosen by seed before anything is
    /// decoded. Default: all.
    pub limit_per_split: Option<usize>,
    /// The share of each class that is cut from train where there is no validation split. Default 0.1.
    pub val_fraction: f64,
    /// Decides the validation cut and the subset. Default 0.
    pub seed: u64,
    /// What to do about corrupt images. Default: refuse.
    pub on_corrupt: OnCorrupt,
    /// A split whose decoded images need more memory than this is not kept in memory: its images are read and decoded anew
    /// each time. Random parts are then taken from the whole images instead of the stored squares, so the limit is a fixed
    /// number and not what the machine has free. Default: 4 GiB.
    pub memory_limit_bytes: u64,
    /// How images become squares. Default: the largest centre square.
    pub fit: Fit,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            image_size: 64,
            limit_per_split: None,
            val_fraction: 0.1,
            seed: 0,
            on_corrupt: OnCorrupt::Refuse,
            memory_limit_bytes: 4 << 30,
            fit: Fit::default(),
        }
    }
}

impl LoadOptions {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), DataError> {
        let invalid = |option, value: String, expected| {
            Err(DataError::from(OptionError {
                option,
                value,
                expected,
            }))
        };
        if !(1..=4096).contains(&self.image_size) {
            return invalid("image-size", self.image_size.to_string(), "from 1 to 4096 pixels");
        }
        if self.limit_per_split == Some(0) {
            return invalid(
                "limit-per-split",
                "0".to_owned(),
                "at least 1, or left out for all images",
            );
        }
        if !(self.val_fraction > 0.0 && self.val_fraction < 1.0) {
            return invalid(
                "val-fraction",
                self.val_fraction.to_string(),
                "a share above 0 and below 1",
            );
        }
        if let Fit::Crop(share) = self.fit
            && !(share > 0.0 && share <= 1.0)
        {
            return invalid("crop", share.to_string(), "a share above 0 and up to 1");
        }
        Ok(())
    }
}

/// Who watches a load, and may stop it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Called from the calling thread with the images done and the images in all.
    pub progress: &'a dyn Fn(usize, usize),
    /// Once true, loading ends with [`DataError::Cancelled`].
    pub cancel: &'a AtomicBool,
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl Watch<'static> {
    /// Nobody watches.
    pub fn nobody() -> Self {
        Self {
            progress: &|_, _| (),
            cancel: &NEVER,
        }
    }
}

/// Counts images over several splits.
pub(super) struct Progress<'a> {
    watch: Watch<'a>,
    done: usize,
    total: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(watch: Watch<'a>, total: usize) -> Self {
        (watch.progress)(0, total);
        Self { watch, done: 0, total }
    }

    fn advance(&mut self, images: usize) -> Result<(), DataError> {
        self.done += images;
        (self.watch.progress)(self.done, self.total);
        if self.watch.cancel.load(Ordering::Relaxed) {
            Err(DataError::Cancelled)
        } else {
            Ok(())
        }
    }
}

/// The images of a split.
pub(super) struct Loaded {
    pub store: Store,
    pub labels: Vec<u32>,
    /// The side that was stored: as asked for, or less where every image is smaller.
    pub size: u32,
    pub skipped: Vec<String>,
}

/// Images decoded between two looks at the cancel flag.
const CHUNK: usize = 256;

/// Decodes `samples` in their order, or keeps them to be read each time where they are too many for memory.
pub(super) fn load_images(
    samples: Vec<Sample>,
    options: &LoadOptions,
    progress: &mut Progress<'_>,
) -> Result<Loaded, DataError> {
    let mut rows = RowReader::default();
    let size = options.image_size.min(largest_side(&samples, &mut rows));
    let bytes = (square_bytes(size) as u64).saturating_mul(samples.len() as u64);
    if bytes > options.memory_limit_bytes {
        return stream(samples, size, options, progress);
    }
    let mut pixels = Vec::new();
    if pixels.try_reserve_exact(bytes as usize).is_err() {
        return Err(DataError::OutOfMemory {
            images: samples.len(),
            size,
            bytes,
        });
    }
    let mut labels = Vec::with_capacity(samples.len());
    let mut skipped = Vec::new();
    for chunk in samples.chunks(CHUNK) {
        let encoded: Vec<Result<Vec<u8>, String>> = chunk.iter().map(|sample| rows.fetch(sample)).collect();
        let cancel = progress.watch.cancel;
        let decoded: Vec<Result<Vec<u8>, String>> = chunk
            .par_iter()
            .zip(encoded)
            .map_init(Scaler::new, |scaler, (sample, row)| {
                if cancel.load(Ordering::Relaxed) {
                    return Ok(Vec::new());
                }
                decode_sample(sample, row, (size, options.fit), scaler)
            })
            .collect();
        progress.advance(chunk.len())?;
        for (sample, image) in chunk.iter().zip(decoded) {
            match image {
                Ok(image) => {
                    pixels.extend_from_slice(&image);
                    labels.push(sample.label);
                }
                Err(reason) => skip(sample, reason, options.on_corrupt, &mut skipped)?,
            }
        }
    }
    Ok(Loaded {
        store: Store::Decoded(pixels),
        labels,
        size,
        skipped,
    })
}

/// Notes a corrupt image, or ends the loading with it.
fn skip(sample: &Sample, reason: String, on_corrupt: OnCorrupt, skipped: &mut Vec<String>) -> Result<(), DataError> {
    if on_corrupt == OnCorrupt::Skip {
        skipped.push(sample.place().to_string());
        return Ok(());
    }
    Err(DataError::CorruptImage {
        place: sample.place(),
        reason,
    })
}

/// Keeps where the images are. Rows of Parquet files are read in groups, far too slow one by one in random order, so their
/// encoded bytes are kept.
fn stream(
    samples: Vec<Sample>,
    size: u32,
    options: &LoadOptions,
    progress: &mut Progress<'_>,
) -> Result<Loaded, DataError> {
    let mut rows = RowReader::default();
    let mut skipped = Vec::new();
    let mut kept = Vec::with_capacity(samples.len());
    let mut bytes = 0_u64;
    for (number, mut sample) in samples.into_iter().enumerate() {
        if matches!(sample.origin, Origin::Row { .. }) {
            match rows.fetch(&sample) {
                Ok(encoded) => {
                    bytes += encoded.len() as u64;
                    let place = Box::new(sample.place());
                    if bytes > options.memory_limit_bytes {
                        return Err(DataError::EncodedTooLarge {
                            path: place.path,
                            limit_mb: options.memory_limit_bytes / 1_000_000,
                        });
                    }
                    let encoded = encoded.into();
                    sample.origin = Origin::Memory { encoded, place };
                }
                Err(reason) => {
                    skip(&sample, reason, options.on_corrupt, &mut skipped)?;
                    continue;
                }
            }
        }
        kept.push(sample);
        if number % CHUNK == CHUNK - 1 {
            progress.advance(CHUNK)?;
        }
    }
    Ok(Loaded {
        labels: kept.iter().map(|sample| sample.label).collect(),
        store: Store::Streamed(kept),
        size,
        skipped,
    })
}

/// One image as the stored square. `row` holds the encoded bytes of a Parquet row.
fn decode_sample(
    sample: &Sample,
    row: Result<Vec<u8>, String>,
    (size, fit): (u32, Fit),
    scaler: &mut Scaler,
) -> Result<Vec<u8>, String> {
    let image = match &sample.origin {
        Origin::Row { .. } => decode_rgb(&row?)?,
        _ => sample.decode(size)?,
    };
    let mut square = vec![0; square_bytes(size)];
    scaler.square(image.pixels(), fit, size, &mut square);
    Ok(square)
}

/// The largest short side among some of the images: what is worth storing.
///
/// Files are probed all over the set; rows of Parquet files only at its start, since whole groups of rows are read.
/// Images that cannot be read count for nothing here; they are met again when they are decoded.
fn largest_side(samples: &[Sample], rows: &mut RowReader) -> u32 {
    const PROBES: usize = 32;
    let first = samples.first().map(|sample| &sample.origin);
    let in_files = matches!(first, Some(Origin::File(_) | Origin::Member(_)));
    let step = if in_files { (samples.len() / PROBES).max(1) } else { 1 };
    let mut largest = 0;
    for sample in samples.iter().step_by(step).take(PROBES) {
        let side = match &sample.origin {
            Origin::Drawn { .. } => return u32::MAX,
            Origin::Raw { block, .. } => return block.width.min(block.height),
            Origin::File(_) | Origin::Member(_) | Origin::Memory { .. } => {
                let encoded = sample.encoded().and_then(Result::ok);
                encoded.and_then(|bytes| short_side(&bytes))
            }
            Origin::Row { .. } => rows.fetch(sample).ok().and_then(|bytes| short_side(&bytes)),
        };
        largest = largest.max(side.unwrap_or(0));
    }
    if largest == 0 { u32::MAX } else { largest }
}

fn short_side(bytes: &[u8]) -> Option<u32> {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    reader.into_dimensions().ok().map(|(width, height)| width.min(height))
}

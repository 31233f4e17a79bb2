//! Decoding the chosen images into memory, in parallel and in a fixed order.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::DataError;
use super::decode::{Pixels, Scaler, decode_rgb};
use super::image_set::square_bytes;
use super::index::{Origin, Sample};
use super::parquet::RowReader;

/// What to do about an image or a file that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnCorrupt {
    /// Stop with an error that names it.
    #[default]
    Refuse,
    /// Leave it out, and say so in [`Provenance::skipped`](super::Provenance::skipped).
    Skip,
}

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
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            image_size: 64,
            limit_per_split: None,
            val_fraction: 0.1,
            seed: 0,
            on_corrupt: OnCorrupt::Refuse,
        }
    }
}

impl LoadOptions {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), DataError> {
        let invalid = |option, value: String, expected| {
            Err(DataError::InvalidOption {
                option,
                value,
                expected,
            })
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

/// Decoded images.
pub(super) struct Loaded {
    /// `[images, size, size, 3]`.
    pub pixels: Vec<u8>,
    pub labels: Vec<u32>,
    /// The side that was stored: as asked for, or less where every image is smaller.
    pub size: u32,
    pub skipped: Vec<String>,
}

/// Images decoded between two looks at the cancel flag.
const CHUNK: usize = 256;

/// Decodes `samples` at `size`, in their order.
pub(super) fn load_images(
    samples: &[Sample],
    size: u32,
    on_corrupt: OnCorrupt,
    progress: &mut Progress<'_>,
) -> Result<Loaded, DataError> {
    let mut rows = RowReader::default();
    let size = size.min(largest_side(samples, &mut rows));
    let image_bytes = square_bytes(size);
    let mut loaded = Loaded {
        pixels: Vec::new(),
        labels: Vec::with_capacity(samples.len()),
        size,
        skipped: Vec::new(),
    };
    let bytes = image_bytes.saturating_mul(samples.len());
    if loaded.pixels.try_reserve_exact(bytes).is_err() {
        return Err(DataError::OutOfMemory {
            images: samples.len(),
            size,
            bytes: bytes as u64,
        });
    }
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
                decode_sample(sample, row, size, scaler)
            })
            .collect();
        progress.advance(chunk.len())?;
        for (sample, image) in chunk.iter().zip(decoded) {
            match image {
                Ok(image) => {
                    loaded.pixels.extend_from_slice(&image);
                    loaded.labels.push(sample.label);
                }
                Err(_) if on_corrupt == OnCorrupt::Skip => {
                    loaded.skipped.push(sample.place().to_string());
                }
                Err(reason) => {
                    return Err(DataError::CorruptImage {
                        place: sample.place(),
                        reason,
                    });
                }
            }
        }
    }
    Ok(loaded)
}

/// One image as the stored square. `row` holds the encoded bytes of a Parquet row.
fn decode_sample(
    sample: &Sample,
    row: Result<Vec<u8>, String>,
    size: u32,
    scaler: &mut Scaler,
) -> Result<Vec<u8>, String> {
    let (rgb, width, height) = match &sample.origin {
        Origin::File(path) => decode_buffer(&fs::read(path).map_err(|error| error.to_string())?)?,
        Origin::Row { .. } => decode_buffer(&row?)?,
        Origin::Raw { block, record } => (block.rgb(*record), block.width, block.height),
        Origin::Drawn {
            synthetic,
            purpose,
            number,
        } => {
            return Ok(synthetic.draw(purpose, *number, size));
        }
    };
    let mut square = vec![0; square_bytes(size)];
    scaler.centre_square(
        Pixels {
            rgb: &rgb,
            width,
            height,
        },
        size,
        &mut square,
    );
    Ok(square)
}

fn decode_buffer(bytes: &[u8]) -> Result<(Vec<u8>, u32, u32), String> {
    let image = decode_rgb(bytes)?;
    let (width, height) = image.dimensions();
    Ok((image.into_raw(), width, height))
}

/// The largest short side among some of the images: what is worth storing.
///
/// Files are probed all over the set; rows of Parquet files only at its start, since whole groups of rows are read.
/// Images that cannot be read count for nothing here; they are met again when they are decoded.
fn largest_side(samples: &[Sample], rows: &mut RowReader) -> u32 {
    const PROBES: usize = 32;
    let in_files = matches!(samples.first().map(|sample| &sample.origin), Some(Origin::File(_)));
    let step = if in_files { (samples.len() / PROBES).max(1) } else { 1 };
    let mut largest = 0;
    for sample in samples.iter().step_by(step).take(PROBES) {
        let side = match &sample.origin {
            Origin::Drawn { .. } => return u32::MAX,
            Origin::Raw { block, .. } => return block.width.min(block.height),
            Origin::File(path) => fs::read(path).ok().and_then(|bytes| short_side(&bytes)),
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

//! Decoding of images into memory, in parallel and in a fixed order.

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use mnas_engine::training::{Fit, OnCorrupt, OptionError};

use super::decode::short_side;
use super::error::{DataError, ImagePlace};
use super::image_set::Store;
use super::index::{Content, ImageRef, ImageSource, Sample};
use super::scale::{Scaler, square_bytes};

/// Options to load a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LoadOptions {
    /// Side of the stored images in pixels: the short side of each image is scaled to it and the centre square kept. Sets whose
    /// images are all smaller (CIFAR, MNIST) stay at their own size and are scaled batch by batch. For random parts as
    /// augmentation, a side above the training resolution (8/7 of it is usual) keeps the detail of small parts. Default 64.
    pub image_size: u32,
    /// Largest number of images per split, the same number of each class, chosen by seed before anything is decoded.
    /// Default: all.
    pub limit_per_split: Option<usize>,
    /// Share of each class cut from train where there is no validation split. Default 0.1.
    pub val_fraction: f64,
    /// Seed of the validation cut and of the subset. Default 0.
    pub seed: u64,
    /// Treatment of corrupt images. Default: refuse.
    pub on_corrupt: OnCorrupt,
    /// Memory for the decoded images of a split; a larger split is streamed: its images are read and decoded each time. Random
    /// parts are then taken from whole images instead of stored squares, so that results depend on the limit; therefore it is a
    /// fixed number and not the free memory of the machine. Default: 4 GiB.
    pub memory_limit_bytes: u64,
    /// Conversion of images to squares. Default: the largest centre square.
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

/// Observer of a load that may stop it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Called on the calling thread with the number of images done and in all.
    pub progress: &'a dyn Fn(usize, usize),
    /// Ends loading with [`DataError::Cancelled`] where it returns true; called from several threads.
    pub cancel: &'a (dyn Fn() -> bool + Sync),
}

impl Watch<'static> {
    /// An observer that does nothing.
    pub fn none() -> Self {
        Self {
            progress: &|_, _| (),
            cancel: &|| false,
        }
    }
}

/// Counter of images over several splits.
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
        if (self.watch.cancel)() {
            Err(DataError::Cancelled)
        } else {
            Ok(())
        }
    }
}

/// Images of a split.
pub(super) struct Loaded {
    pub store: Store,
    pub labels: Vec<u32>,
    /// Side of the stored images: the one requested, or less where every image is smaller.
    pub size: u32,
    pub skipped: Vec<String>,
}

/// Images decoded between two checks of the cancel flag.
const CHUNK: usize = 256;

/// Decodes `samples` in their order; where they are too large for memory, prepares them for streaming.
pub(super) fn load_images(
    samples: Vec<Sample>,
    options: &LoadOptions,
    progress: &mut Progress<'_>,
) -> Result<Loaded, DataError> {
    let size = options.image_size.min(largest_side(&samples));
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
        let in_order: Vec<Option<Result<Content<'_>, String>>> = chunk
            .iter()
            .map(|sample| sample.image.is_sequential().then(|| sample.image.read(size)))
            .collect();
        let cancel = progress.watch.cancel;
        let decoded: Vec<Result<Vec<u8>, String>> = chunk
            .par_iter()
            .zip(in_order)
            .map_init(Scaler::new, |scaler, (sample, content)| {
                if cancel() {
                    return Ok(Vec::new());
                }
                let image = content.unwrap_or_else(|| sample.image.read(size))?.decode()?;
                let mut square = vec![0; square_bytes(size)];
                scaler.square(image.pixels(), options.fit, size, &mut square);
                Ok(square)
            })
            .collect();
        progress.advance(chunk.len())?;
        for (sample, image) in chunk.iter().zip(decoded) {
            match image {
                Ok(image) => {
                    pixels.extend_from_slice(&image);
                    labels.push(sample.label);
                }
                Err(reason) => skip(&sample.image, reason, options.on_corrupt, &mut skipped)?,
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

/// Records a corrupt image, or ends the loading with it.
fn skip(image: &ImageRef, reason: String, on_corrupt: OnCorrupt, skipped: &mut Vec<String>) -> Result<(), DataError> {
    let place = image.place();
    if on_corrupt == OnCorrupt::Skip {
        skipped.push(place.to_string());
        return Ok(());
    }
    Err(DataError::CorruptImage { place, reason })
}

/// Encoded images in memory, with their places.
#[derive(Debug)]
struct Encoded(Vec<(Box<[u8]>, ImagePlace)>);

impl ImageSource for Encoded {
    fn place(&self, number: usize) -> ImagePlace {
        self.0[number].1.clone()
    }

    fn read(&self, number: usize, _side: u32) -> Result<Content<'_>, String> {
        Ok(Content::Encoded(Cow::Borrowed(&self.0[number].0)))
    }
}

/// Keeps the places of the images; for images that have to be read in order, the encoded bytes, since random access would read a whole
/// group for each image.
fn stream(
    samples: Vec<Sample>,
    size: u32,
    options: &LoadOptions,
    progress: &mut Progress<'_>,
) -> Result<Loaded, DataError> {
    let mut skipped = Vec::new();
    let mut labels = Vec::with_capacity(samples.len());
    let mut images = Vec::with_capacity(samples.len());
    let mut encoded = Vec::new();
    let mut bytes = 0_u64;
    for (number, Sample { label, image }) in samples.into_iter().enumerate() {
        if number % CHUNK == CHUNK - 1 {
            progress.advance(CHUNK)?;
        }
        if !image.is_sequential() {
            labels.push(label);
            images.push(image);
            continue;
        }
        match image.read(size) {
            Ok(Content::Encoded(content)) => {
                bytes += content.len() as u64;
                if bytes > options.memory_limit_bytes {
                    return Err(DataError::EncodedTooLarge {
                        path: image.place().path,
                        limit_mb: options.memory_limit_bytes / 1_000_000,
                    });
                }
                labels.push(label);
                encoded.push((content.into_owned().into_boxed_slice(), image.place()));
            }
            Ok(Content::Pixels(_)) => skip(&image, "no encoded image".to_owned(), options.on_corrupt, &mut skipped)?,
            Err(reason) => skip(&image, reason, options.on_corrupt, &mut skipped)?,
        }
    }
    if !encoded.is_empty() {
        let encoded = Arc::new(Encoded(encoded));
        images = (0..encoded.0.len())
            .map(|number| ImageRef::new(&encoded, number))
            .collect();
    }
    Ok(Loaded {
        store: Store::Streamed(images),
        labels,
        size,
        skipped,
    })
}

/// Largest short side among some of the images, the largest useful side of stored ones; `u32::MAX` where it is unknown or unlimited.
///
/// Images are probed all over the set, those that have to be read in their order only at its start. Images that cannot be read are
/// ignored: decoding reports them.
pub(super) fn largest_side(samples: &[Sample]) -> u32 {
    const PROBES: usize = 32;
    let in_order = samples.first().is_some_and(|sample| sample.image.is_sequential());
    let step = if in_order { 1 } else { (samples.len() / PROBES).max(1) };
    let probed = samples.iter().step_by(step).take(PROBES);
    let sides = probed.filter_map(|sample| {
        let known = sample.image.known_side();
        known.or_else(|| match sample.image.read(0) {
            Ok(Content::Encoded(bytes)) => short_side(&bytes),
            Ok(Content::Pixels(pixels)) => Some(pixels.width.min(pixels.height)),
            Err(_) => None,
        })
    });
    sides.max().filter(|&side| side > 0).unwrap_or(u32::MAX)
}

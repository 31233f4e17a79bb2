//! Images of a split, decoded in memory or streamed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use mnas_engine::training::{Fit, OnCorrupt, Split};

use super::decode::Pixels;
use super::error::DataError;
use super::index::{Content, ImageRef};
use super::scale::{Scaler, square_bytes};

/// Origin of the images of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Name of the data set's format.
    pub format: &'static str,
    /// Name of the data set: that of its folder, or `demo`.
    pub name: String,
    /// Path that was recognised.
    pub path: PathBuf,
    /// Split of the data set.
    pub split: Split,
    /// Files skipped as corrupt, with rows where a file holds many images.
    pub skipped: Vec<String>,
    /// True if the images are drawn by the program itself.
    pub is_synthetic: bool,
}

/// Images of a split: decoded in memory, or, where they do not fit, read and decoded each time.
#[derive(Debug, Clone)]
pub struct ImageSet {
    pub(super) store: Store,
    pub(super) size: u32,
    pub(super) labels: Vec<u32>,
    pub(super) classes: Arc<[String]>,
    pub(super) provenance: Provenance,
    /// Treatment of streamed images that turn out to be corrupt.
    pub(super) on_corrupt: OnCorrupt,
    /// Conversion of streamed images to squares; those in memory are squares.
    pub(super) fit: Fit,
    pub(super) may_flip: bool,
}

/// Storage of the pixels.
#[derive(Debug, Clone)]
pub(super) enum Store {
    /// 8-bit RGB, all of one size, rows of pixels of three bytes (channels last), one image after another.
    Decoded(Vec<u8>),
    /// Read when they are needed.
    Streamed(Vec<ImageRef>),
}

impl ImageSet {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns true if there is no image; false for every set that was loaded.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Side of the stored images in pixels; of streamed images, the side at which they would be stored.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Returns true if the images are read and decoded each time.
    pub fn is_streamed(&self) -> bool {
        matches!(self.store, Store::Streamed(_))
    }

    /// All images, `[images, size, size, 3]`; empty where they are streamed.
    pub fn pixels(&self) -> &[u8] {
        match &self.store {
            Store::Decoded(pixels) => pixels,
            Store::Streamed(_) => &[],
        }
    }

    /// One image as a stored square, `[size, size, 3]`.
    ///
    /// # Panics
    /// Where `index` is not below [`ImageSet::len`].
    pub fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        let bytes = square_bytes(self.size);
        match &self.store {
            Store::Decoded(pixels) => Ok(Cow::Borrowed(&pixels[index * bytes..(index + 1) * bytes])),
            Store::Streamed(_) => self.with_pixels(index, |pixels| {
                let mut square = vec![0; bytes];
                Scaler::new().square(pixels, self.fit, self.size, &mut square);
                Cow::Owned(square)
            }),
        }
    }

    /// Conversion to a square of the images that [`ImageSet::with_pixels`] passes on.
    pub(super) fn fit(&self) -> Fit {
        match self.store {
            Store::Decoded(_) => Fit::default(),
            Store::Streamed(_) => self.fit,
        }
    }

    /// The same images with other labels: class `name` becomes class number `numbers[name]` of `classes`.
    ///
    /// For a network whose scores are in another order than the classes of the set, or that has more of them.
    pub fn relabelled(self, numbers: &BTreeMap<String, u32>, classes: Vec<String>) -> Result<Self, DataError> {
        let mut table = Vec::new();
        for class in self.classes.iter() {
            let number = numbers.get(class).copied();
            let number = number.filter(|&number| (number as usize) < classes.len());
            table.push(number.ok_or_else(|| DataError::ClassUnknown {
                class: class.clone(),
                classes: classes.len(),
            })?);
        }
        Ok(Self {
            labels: self.labels.iter().map(|&label| table[label as usize]).collect(),
            classes: classes.into(),
            ..self
        })
    }

    /// Passes one image to `visit`: the stored square, or the whole image of a streamed set.
    pub(super) fn with_pixels<T>(&self, index: usize, visit: impl FnOnce(Pixels<'_>) -> T) -> Result<T, DataError> {
        match &self.store {
            Store::Decoded(pixels) => {
                let bytes = square_bytes(self.size);
                Ok(visit(Pixels {
                    rgb: &pixels[index * bytes..(index + 1) * bytes],
                    width: self.size,
                    height: self.size,
                }))
            }
            Store::Streamed(images) => {
                let image = &images[index];
                let decoded = image.read(self.size).and_then(Content::decode);
                let decoded = decoded.map_err(|reason| DataError::CorruptImage {
                    place: image.place(),
                    reason,
                })?;
                Ok(visit(decoded.pixels()))
            }
        }
    }

    /// Class of each image, a position in [`ImageSet::classes`].
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Number of images of each class.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// Origin of the images.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Returns true if a mirrored image still shows its class; false for digits and letters.
    pub fn may_flip(&self) -> bool {
        self.may_flip
    }
}

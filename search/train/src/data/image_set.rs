//! Decoded images in memory, and what is said about them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use mnas_engine::training::Split;

use super::DataError;
use super::decode::{Pixels, Scaler};
use super::index::Sample;
use mnas_engine::training::{Fit, OnCorrupt};

/// The form a data set lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataKind {
    /// One folder per class.
    ImageFolder,
    /// Hugging Face image Parquet files.
    Parquet,
    /// Tar files: a packed image folder, or `WebDataset` shards.
    Tar,
    /// CIFAR-10 or CIFAR-100 binary files.
    CifarBinary,
    /// MNIST-style IDX files.
    Idx,
    /// The built-in synthetic set. It shows that the program works and says nothing about real images.
    Demo,
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ImageFolder => "image folder",
            Self::Parquet => "parquet",
            Self::Tar => "tar",
            Self::CifarBinary => "cifar binary",
            Self::Idx => "idx",
            Self::Demo => "synthetic demo",
        })
    }
}

/// Where the images of a set came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The form it lies in.
    pub kind: DataKind,
    /// The data set's name: its folder's, or `demo`.
    pub name: String,
    /// The path that was recognised.
    pub path: PathBuf,
    /// Which split it is.
    pub split: Split,
    /// What was skipped as corrupt: file names, with rows where a file holds many images.
    pub skipped: Vec<String>,
}

/// The images of a split: decoded in memory where they fit, read and decoded anew each time where they do not.
#[derive(Debug, Clone)]
pub struct ImageSet {
    pub(super) store: Store,
    pub(super) size: u32,
    pub(super) labels: Vec<u32>,
    pub(super) classes: Arc<[String]>,
    pub(super) provenance: Provenance,
    /// What to do about streamed images that turn out to be corrupt.
    pub(super) on_corrupt: OnCorrupt,
    /// How streamed images become squares; those in memory are squares.
    pub(super) fit: Fit,
}

/// Where the pixels are.
#[derive(Debug, Clone)]
pub(super) enum Store {
    /// 8-bit RGB, all of one size, rows of pixels of three bytes (channels last), one image after another.
    Decoded(Vec<u8>),
    /// Read when they are needed.
    Streamed(Vec<Sample>),
}

impl ImageSet {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image; never true for a set that was loaded.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The side of the stored images in pixels; of streamed ones, the side that they would be stored at.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Whether the images are read and decoded anew each time.
    pub fn is_streamed(&self) -> bool {
        matches!(self.store, Store::Streamed(_))
    }

    /// All images one after another, `[images, size, size, 3]`; nothing where they are streamed.
    pub fn pixels(&self) -> &[u8] {
        match &self.store {
            Store::Decoded(pixels) => pixels,
            Store::Streamed(_) => &[],
        }
    }

    /// One image as it would be stored: `[size, size, 3]`.
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

    /// How an image that [`ImageSet::with_pixels`] shows becomes a square.
    pub(super) fn fit(&self) -> Fit {
        match self.store {
            Store::Decoded(_) => Fit::default(),
            Store::Streamed(_) => self.fit,
        }
    }

    /// The same images with other classes: class `name` becomes class number `numbers[name]` of `classes`.
    ///
    /// For a network whose scores stand in another order than the set's classes, or that scores more of them.
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

    /// Shows one image to `look`: the stored square, or of a streamed set the whole image.
    pub(super) fn with_pixels<T>(&self, index: usize, look: impl FnOnce(Pixels<'_>) -> T) -> Result<T, DataError> {
        match &self.store {
            Store::Decoded(pixels) => {
                let bytes = square_bytes(self.size);
                Ok(look(Pixels {
                    rgb: &pixels[index * bytes..(index + 1) * bytes],
                    width: self.size,
                    height: self.size,
                }))
            }
            Store::Streamed(samples) => {
                let sample = &samples[index];
                let image = sample.decode(self.size).map_err(|reason| DataError::CorruptImage {
                    place: sample.place(),
                    reason,
                })?;
                Ok(look(image.pixels()))
            }
        }
    }

    /// The class of each image, as a position in [`ImageSet::classes`].
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many images each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// Where the images came from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Whether a mirrored image still shows its class. False for IDX sets: they hold digits and letters.
    pub fn may_flip(&self) -> bool {
        self.provenance.kind != DataKind::Idx
    }
}

/// The bytes of one stored image.
pub(super) fn square_bytes(size: u32) -> usize {
    size as usize * size as usize * 3
}

/// What a search trains and compares on.
#[derive(Debug, Clone)]
pub struct Splits {
    /// What networks learn from.
    pub train: Arc<ImageSet>,
    /// What networks are compared on.
    pub val: Arc<ImageSet>,
    /// Whether validation was cut from train by seed, for want of a split of its own.
    pub val_is_cut: bool,
    /// Whether the data set has a test split. It is loaded on request only, see `DataSource::load_split`.
    pub has_test: bool,
}

impl Splits {
    /// The facts for messages and reports.
    pub fn summary(&self) -> DataSummary {
        let provenance = &self.train.provenance;
        let mut skipped = provenance.skipped.clone();
        skipped.extend(self.val.provenance.skipped.iter().cloned());
        DataSummary {
            name: provenance.name.clone(),
            kind: provenance.kind,
            path: provenance.path.clone(),
            classes: self.train.classes.to_vec(),
            train: self.train.len(),
            val: self.val.len(),
            val_is_cut: self.val_is_cut,
            has_test: self.has_test,
            size: self.train.size,
            skipped,
        }
    }
}

/// The facts about a loaded data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DataSummary {
    /// The data set's name.
    pub name: String,
    /// The form it lies in.
    pub kind: DataKind,
    /// The path that was recognised.
    pub path: PathBuf,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Training images.
    pub train: usize,
    /// Validation images.
    pub val: usize,
    /// Whether validation was cut from train.
    pub val_is_cut: bool,
    /// Whether there is a test split, which is not loaded.
    pub has_test: bool,
    /// The side of the stored images in pixels.
    pub size: u32,
    /// What was skipped as corrupt.
    pub skipped: Vec<String>,
}

impl DataSummary {
    /// Whether this is the synthetic set, whose accuracies mean nothing beyond the demo.
    pub fn is_demo(&self) -> bool {
        self.kind == DataKind::Demo
    }
}

impl fmt::Display for DataSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {} classes, {} train + {} val images{} at {} px",
            self.name,
            self.kind,
            self.classes.len(),
            self.train,
            self.val,
            if self.val_is_cut { " (cut from train)" } else { "" },
            self.size
        )?;
        if self.has_test {
            write!(f, ", test kept aside")?;
        }
        if !self.skipped.is_empty() {
            write!(f, ", {} skipped as corrupt", self.skipped.len())?;
        }
        Ok(())
    }
}

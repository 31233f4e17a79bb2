//! Data sets that were recognised, and loading of their splits.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mnas_engine::training::{OnCorrupt, Split};

use super::error::DataError;
use super::format::Format;
use super::image_set::{ImageSet, Provenance};
use super::index::Index;
use super::load::{LoadOptions, Progress, Watch, largest_side, load_images};
use super::recognise::recognise;
use super::split::{cut_val, limit_balanced};
use super::splits::Splits;
use super::synthetic::Synthetic;

/// Data set that was recognised and whose images have not been read.
#[derive(Debug)]
pub struct DataSource {
    path: PathBuf,
    format: Box<dyn Format>,
}

impl DataSource {
    /// Recognises the data set at a path.
    ///
    /// Formats: an image folder (`train/<class>/…` with `val` or `valid` and perhaps `test`, or `<class>/…`), Hugging Face image
    /// Parquet files, tar files of an image folder or of `WebDataset` shards, CIFAR binary files, IDX files (plain or gzipped), and
    /// the word `demo` for the synthetic set (`./demo` is a folder of that name).
    pub fn recognise(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        Ok(Self {
            path: path.to_path_buf(),
            format: recognise(path)?,
        })
    }

    /// The synthetic set at a given size.
    pub fn demo(synthetic: Synthetic) -> Result<Self, DataError> {
        synthetic.check()?;
        Ok(Self {
            path: "demo".into(),
            format: Box::new(synthetic),
        })
    }

    /// Name of the format.
    pub fn format(&self) -> &'static str {
        self.format.name()
    }

    /// Returns true if the images are drawn by the program itself.
    pub fn is_synthetic(&self) -> bool {
        self.format.is_synthetic()
    }

    /// Path that was recognised.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name of the data set: that of its folder, or `demo`.
    pub fn name(&self) -> String {
        let full = if self.is_synthetic() {
            self.path.clone()
        } else {
            self.path.canonicalize().unwrap_or_default()
        };
        let name = full.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| self.path.display().to_string())
    }

    /// Returns true if the data set contains this split itself; a missing validation split is cut from train.
    pub fn has(&self, split: Split) -> bool {
        self.format.has(split)
    }

    /// Loads train and validation; the test split is not read.
    pub fn load(&self, options: &LoadOptions, watch: Watch<'_>) -> Result<Splits, DataError> {
        options.check()?;
        let (train, val) = self.train_and_val(options)?;
        let (train, val) = (limited(train, Split::Train, options), limited(val, Split::Val, options));
        let mut progress = Progress::new(watch, train.samples.len() + val.samples.len());
        let train = self.decode(train, Split::Train, options, &mut progress)?;
        let val = self.decode(val, Split::Val, options, &mut progress)?;
        Ok(Splits {
            train: Arc::new(train),
            val: Arc::new(val),
            val_is_cut: !self.has(Split::Val),
            has_test: self.has(Split::Test),
        })
    }

    /// Loads one split for an evaluation: the images that [`DataSource::load`] loads with the same options, or the test split, which
    /// no other function reads.
    pub fn load_split(&self, split: Split, options: &LoadOptions, watch: Watch<'_>) -> Result<ImageSet, DataError> {
        options.check()?;
        let index = match split {
            Split::Test => self.test(options)?,
            Split::All => self.train_with_val(options)?,
            Split::Train => self.train_and_val(options)?.0,
            Split::Val if !self.has(Split::Train) => self.index(Split::Val, options.on_corrupt)?,
            Split::Val => self.train_and_val(options)?.1,
        };
        let index = limited(index, split, options);
        let mut progress = Progress::new(watch, index.samples.len());
        self.decode(index, split, options, &mut progress)
    }

    /// Classes of the training images and the largest short side in pixels among some of them, without loading the images; no side
    /// where none can be read or all are drawn.
    pub fn probe(&self) -> Result<(Vec<String>, Option<u32>), DataError> {
        let index = self.index(Split::Train, OnCorrupt::Skip)?;
        let side = Some(largest_side(&index.samples)).filter(|&side| side < u32::MAX);
        Ok((index.classes, side))
    }

    fn train_and_val(&self, options: &LoadOptions) -> Result<(Index, Index), DataError> {
        let train = self.index(Split::Train, options.on_corrupt)?;
        if let [class] = &train.classes[..] {
            return Err(DataError::OneClass {
                path: self.path.clone(),
                class: class.clone(),
            });
        }
        if self.has(Split::Val) {
            let val = self.index(Split::Val, options.on_corrupt)?;
            self.check_same_classes(&train, &val, Split::Val)?;
            return Ok((train, val));
        }
        cut_val(train, options.val_fraction, options.seed).map_err(|(class, images)| DataError::TooFewImages {
            path: self.path.clone(),
            class,
            images,
        })
    }

    fn train_with_val(&self, options: &LoadOptions) -> Result<Index, DataError> {
        if !self.has(Split::Train) {
            return self.index(Split::Val, options.on_corrupt);
        }
        let mut all = self.index(Split::Train, options.on_corrupt)?;
        if self.has(Split::Val) {
            let val = self.index(Split::Val, options.on_corrupt)?;
            self.check_same_classes(&all, &val, Split::Val)?;
            all.samples.extend(val.samples);
            all.skipped.extend(val.skipped);
        }
        Ok(all)
    }

    fn test(&self, options: &LoadOptions) -> Result<Index, DataError> {
        let test = self.index(Split::Test, options.on_corrupt)?;
        if self.has(Split::Train) {
            let train = self.index(Split::Train, options.on_corrupt)?;
            self.check_same_classes(&train, &test, Split::Test)?;
        }
        Ok(test)
    }

    /// Lists the images of a split that the data set contains.
    fn index(&self, split: Split, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        if !self.has(split) {
            let available = [Split::Train, Split::Val, Split::Test]
                .into_iter()
                .filter(|split| self.has(*split));
            let available = available.map(|split| split.to_string()).collect::<Vec<_>>().join(", ");
            return Err(DataError::SplitMissing {
                path: self.path.clone(),
                split,
                available,
            });
        }
        let index = self.format.index(split, on_corrupt)?;
        if index.samples.is_empty() {
            return Err(DataError::NothingLeft {
                path: self.path.clone(),
                split,
                skipped: index.skipped.len(),
            });
        }
        Ok(index)
    }

    fn check_same_classes(&self, train: &Index, other: &Index, split: Split) -> Result<(), DataError> {
        let lacking = |from: &[String], of: &[String]| -> Vec<String> {
            of.iter().filter(|class| !from.contains(class)).cloned().collect()
        };
        let missing = lacking(&other.classes, &train.classes);
        let extra = lacking(&train.classes, &other.classes);
        if !missing.is_empty() || !extra.is_empty() {
            return Err(DataError::ClassesDiffer {
                path: self.path.clone(),
                split,
                missing,
                extra,
            });
        }
        if train.classes != other.classes {
            return Err(DataError::ClassOrderDiffers {
                path: self.path.clone(),
                split,
            });
        }
        Ok(())
    }

    fn decode(
        &self,
        index: Index,
        split: Split,
        options: &LoadOptions,
        progress: &mut Progress<'_>,
    ) -> Result<ImageSet, DataError> {
        let loaded = load_images(index.samples, options, progress)?;
        let mut skipped = index.skipped;
        skipped.extend(loaded.skipped);
        if loaded.labels.is_empty() {
            return Err(DataError::NothingLeft {
                path: self.path.clone(),
                split,
                skipped: skipped.len(),
            });
        }
        let provenance = Provenance {
            format: self.format(),
            name: self.name(),
            path: self.path.clone(),
            split,
            skipped,
            is_synthetic: self.is_synthetic(),
        };
        Ok(ImageSet {
            store: loaded.store,
            size: loaded.size,
            labels: loaded.labels,
            classes: index.classes.into(),
            provenance,
            on_corrupt: options.on_corrupt,
            fit: options.fit,
            may_flip: self.format.may_flip(),
        })
    }
}

fn limited(mut index: Index, split: Split, options: &LoadOptions) -> Index {
    if let Some(limit) = options.limit_per_split {
        limit_balanced(&mut index, limit, &format!("subset-{split}"), options.seed);
    }
    index
}

//! Training and validation images of a data set.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::fingerprint;
use super::image_set::ImageSet;

/// Images to train on and to compare networks on.
#[derive(Debug, Clone)]
pub struct Splits {
    /// Images that networks learn from.
    pub train: Arc<ImageSet>,
    /// Images that networks are compared on.
    pub val: Arc<ImageSet>,
    /// True if validation was cut from train by seed, since the data set has no such split.
    pub val_is_cut: bool,
    /// True if the data set has a test split, which is loaded only by `DataSource::load_split`.
    pub has_test: bool,
}

impl Splits {
    /// Hash of all images and labels, 16 hexadecimal digits: equal for two processes that loaded the same images.
    pub fn fingerprint(&self) -> String {
        let mut hash = Xxh3::new();
        fingerprint::add(&self.train, &mut hash);
        fingerprint::add(&self.val, &mut hash);
        format!("{:016x}", hash.digest())
    }

    /// Facts for messages and reports.
    pub fn summary(&self) -> DataSummary {
        let provenance = self.train.provenance();
        let mut skipped = provenance.skipped.clone();
        skipped.extend(self.val.provenance().skipped.iter().cloned());
        DataSummary {
            name: provenance.name.clone(),
            format: provenance.format,
            path: provenance.path.clone(),
            classes: self.train.classes().to_vec(),
            train: self.train.len(),
            val: self.val.len(),
            val_is_cut: self.val_is_cut,
            has_test: self.has_test,
            size: self.train.size(),
            skipped,
            is_synthetic: provenance.is_synthetic,
        }
    }
}

/// Facts about a loaded data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSummary {
    /// Name of the data set.
    pub name: String,
    /// Name of its format.
    pub format: &'static str,
    /// Path that was recognised.
    pub path: PathBuf,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Number of training images.
    pub train: usize,
    /// Number of validation images.
    pub val: usize,
    /// True if validation was cut from train.
    pub val_is_cut: bool,
    /// True if there is a test split, which is not loaded.
    pub has_test: bool,
    /// Side of the stored images in pixels.
    pub size: u32,
    /// Files skipped as corrupt.
    pub skipped: Vec<String>,
    /// True if the images are drawn by the program itself, so that accuracies mean nothing beyond a demonstration.
    pub is_synthetic: bool,
}

impl fmt::Display for DataSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {} classes, {} train + {} val images{} at {} px",
            self.name,
            self.format,
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

//! Selection of images in configurations, requests to workers and weight files.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The images to train on and to compare networks on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DataRequest {
    /// Path of a data set, or `demo`.
    pub path: PathBuf,
    /// Largest number of images per split. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
    /// Share of each class cut from train for validation where the data set has no split of its own.
    pub val_fraction: f64,
    /// Treatment of corrupt images.
    pub on_corrupt: OnCorrupt,
    /// Seed of the validation cut and of the subset.
    pub seed: u64,
    /// Memory for the decoded images of a split, in MB; a larger split is decoded anew in each epoch. Default: 4 GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
}

/// Treatment of images and files that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnCorrupt {
    /// Stop with an error that names the file.
    #[default]
    Refuse,
    /// Skip the image and report it.
    Skip,
}

/// Part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Images that networks learn from.
    Train,
    /// Images that a search compares networks on.
    Val,
    /// Images kept aside, never read by a search.
    Test,
    /// Train and validation together.
    All,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
            Self::All => "all",
        })
    }
}

/// Conversion of an image to a square.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The centre square whose side is this share of the short side: 1 for the largest, 0.875 for the usual evaluation on
    /// `ImageNet` (short side 256, square of 224).
    Crop(f64),
    /// The whole image, squeezed.
    Squash,
}

impl Default for Fit {
    fn default() -> Self {
        Self::Crop(1.0)
    }
}

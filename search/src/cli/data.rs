//! Selection of images on the command line.

use std::path::PathBuf;

use clap::Args;
use mnas_engine::training::{DataRequest, OnCorrupt};

/// Selection of images.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// An image folder (also in a tar), tar shards, Parquet files, CIFAR binaries, IDX files, or `demo` [default: the weights', or demo]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Largest number of images per split [default: the weights', or all]
    #[arg(long, value_name = "N")]
    images: Option<usize>,
    /// Share of each class cut from train where there is no validation split [default: the weights', or 0.1]
    #[arg(long)]
    val_fraction: Option<f64>,
    /// Treatment of corrupt images [default: refuse]
    #[arg(long, value_enum)]
    on_corrupt: Option<Corrupt>,
    /// Seed of the validation cut and of the subset of images [default: the weights', or 0]
    #[arg(long)]
    data_seed: Option<u64>,
    /// Memory for the decoded images of a split, in MB; a larger split is read anew each time [default: 4295]
    #[arg(long, value_name = "MB")]
    memory_mb: Option<u64>,
}

/// Treatment of corrupt images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Corrupt {
    /// Stop with an error that names the image
    Refuse,
    /// Skip the image and report it
    Skip,
}

impl From<Corrupt> for OnCorrupt {
    fn from(corrupt: Corrupt) -> Self {
        match corrupt {
            Corrupt::Refuse => Self::Refuse,
            Corrupt::Skip => Self::Skip,
        }
    }
}

impl DataArguments {
    /// The request of the flags, completed by the images that a weight file was trained on.
    pub fn request(&self, trained_on: Option<&DataRequest>) -> DataRequest {
        DataRequest {
            path: self
                .data
                .clone()
                .or(trained_on.map(|data| data.path.clone()))
                .unwrap_or_else(|| "demo".into()),
            images: self.images.or(trained_on.and_then(|data| data.images)),
            val_fraction: self
                .val_fraction
                .or(trained_on.map(|data| data.val_fraction))
                .unwrap_or(0.1),
            on_corrupt: self
                .on_corrupt
                .map(Into::into)
                .or(trained_on.map(|data| data.on_corrupt))
                .unwrap_or_default(),
            seed: self.data_seed.or(trained_on.map(|data| data.seed)).unwrap_or(0),
            memory_mb: self.memory_mb.or(trained_on.and_then(|data| data.memory_mb)),
        }
    }

    /// Returns true if the flags name a data set.
    pub fn is_given(&self) -> bool {
        self.data.is_some()
    }

    /// The number of images of the flags, else `default`.
    pub fn images_or(&self, default: usize) -> usize {
        self.images.unwrap_or(default)
    }

    /// Returns true if the flags limit the number of images.
    pub fn limits_images(&self) -> bool {
        self.images.is_some()
    }
}

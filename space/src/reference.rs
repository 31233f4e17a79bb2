//! Published networks: their structure in `space/references/*.toml`, one file per family, and their published figures in
//! `space/references/published.csv`.

mod document;
mod published;

use std::sync::LazyLock;

use crate::architecture::Architecture;
use crate::family::Family;
use crate::limits;

pub use published::PublishedPoint;

/// Published network, which can be built at any width multiplier and resolution.
///
/// ```
/// use mnas_space::Reference;
/// let v2 = Reference::named("mobilenet-v2").unwrap();
/// let cost = v2.architecture(1.0, 224, 1000)?.cost();
/// assert_eq!((cost.params, cost.macs), (3_504_872, 300_774_272));
/// # Ok::<(), mnas_space::ReferenceError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Name as written by its authors, for plots: `MobileNetV2`.
    pub title: String,
    /// Publication.
    pub paper: String,
    /// Published accuracies, sizes and latencies by width multiplier and resolution; several sources may cover the same
    /// network.
    pub published: Vec<PublishedPoint>,
    /// Network at each published width and resolution; every stage has one choice.
    family: Family,
}

/// Error in building a reference.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// No reference has this name.
    #[error("no reference network is called `{name}`; known are {known}")]
    Unknown {
        /// Requested name.
        name: String,
        /// Names of all references.
        known: String,
    },
    /// The width multiplier is out of range.
    #[error("width multiplier {width} of {name}; expected 0.05 to 8")]
    Width {
        /// Name of the network.
        name: String,
        /// Requested width multiplier.
        width: f64,
    },
    /// The network cannot be built at this width multiplier.
    #[error("{name} at width multiplier {width}: {problem}")]
    Impossible {
        /// Name of the network.
        name: String,
        /// Requested width multiplier.
        width: f64,
        /// Reason.
        problem: String,
    },
    /// The resolution is out of range.
    #[error("resolution {resolution} of {name}; expected 1 to {most} pixels", most = limits::RESOLUTION)]
    Resolution {
        /// Name of the network.
        name: String,
        /// Requested side of the input in pixels.
        resolution: u32,
    },
    /// The number of classes is out of range.
    #[error("{classes} classes; expected 1 to {most}", most = limits::CLASSES)]
    Classes {
        /// Requested number of classes.
        classes: u32,
    },
}

/// Compiled-in data files: name and TOML text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/references.rs"));
const PUBLISHED: &str = include_str!("../references/published.csv");

static ALL: LazyLock<Vec<Reference>> = LazyLock::new(|| {
    let mut published = published::parse(PUBLISHED).unwrap_or_else(|error| panic!("references/published.csv: {error}"));
    let mut all = Vec::new();
    for (file, text) in FILES {
        let mut some = Reference::from_toml(text).unwrap_or_else(|error| panic!("references/{file}: {error}"));
        for reference in &mut some {
            reference.published = published.remove(reference.name()).unwrap_or_default();
        }
        all.extend(some);
    }
    all
});

impl Reference {
    /// All references of this crate, sorted by file.
    ///
    /// # Panics
    ///
    /// Panics if a compiled-in file is invalid, which a test excludes.
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// Reference of this name, such as `mobilenet-v3-large`.
    pub fn named(name: &str) -> Result<&'static Self, ReferenceError> {
        let found = Self::all().iter().find(|reference| reference.name() == name);
        found.ok_or_else(|| ReferenceError::Unknown {
            name: name.to_owned(),
            known: Self::all().iter().map(Self::name).collect::<Vec<_>>().join(", "),
        })
    }

    /// Name, such as `mobilenet-v3-large`.
    pub fn name(&self) -> &str {
        &self.family.name
    }

    /// Published width multipliers.
    pub fn widths(&self) -> &[f64] {
        &self.family.widths
    }

    /// Published input sides in pixels.
    pub fn resolutions(&self) -> &[u32] {
        &self.family.resolutions
    }

    /// Default input side in pixels: 224 if published, otherwise the first published side.
    pub fn native_resolution(&self) -> u32 {
        let usual = 224;
        if self.resolutions().contains(&usual) {
            usual
        } else {
            self.resolutions()[0]
        }
    }

    /// First published ImageNet top-1 accuracy, in percent, at a width multiplier and resolution.
    pub fn imagenet_top1(&self, width: f64, resolution: u32) -> Option<f64> {
        self.published_at(width, resolution).find_map(|point| point.top1)
    }

    /// Published figures at a width multiplier and resolution, those of the authors first.
    pub fn published_at(&self, width: f64, resolution: u32) -> impl Iterator<Item = &PublishedPoint> {
        let at = move |point: &&PublishedPoint| (point.width - width).abs() < 1e-9 && point.resolution == resolution;
        self.published.iter().filter(at)
    }

    /// Builds the network with `classes` classes at a width multiplier and resolution, whether published or not.
    ///
    /// Values out of range, and widths at which the network cannot be built, are errors.
    pub fn architecture(&self, width: f64, resolution: u32, classes: u32) -> Result<Architecture, ReferenceError> {
        let name = || self.name().to_owned();
        if !(0.05..=8.0).contains(&width) {
            return Err(ReferenceError::Width { name: name(), width });
        }
        if !(1..=limits::RESOLUTION).contains(&resolution) {
            return Err(ReferenceError::Resolution {
                name: name(),
                resolution,
            });
        }
        if !(1..=limits::CLASSES).contains(&classes) {
            return Err(ReferenceError::Classes { classes });
        }
        let family = self
            .family
            .at_width(width)
            .map_err(|error| ReferenceError::Impossible {
                name: name(),
                width,
                problem: error.problem,
            })?;
        let genes = vec![0; family.gene_sizes().len()];
        Ok(family.express(&genes, classes).with_resolution(resolution))
    }
}

//! Published networks: data in `space/references/*.toml`, one file a family, and what was published of them in
//! `space/references/published.csv`.

mod document;
mod published;

use std::sync::LazyLock;

use crate::architecture::Architecture;
use crate::document::DocumentError;
use crate::family::Family;
use crate::limits;

pub use published::PublishedPoint;

/// A published network that can be built at any width multiplier and resolution.
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
    /// What the authors call it, for plots: `MobileNetV2`.
    pub title: String,
    /// Where it was published.
    pub paper: String,
    /// Accuracy, size and latency as published, by width multiplier and resolution; several sources may state one.
    pub published: Vec<PublishedPoint>,
    /// The network at each published width and resolution; every stage has one choice.
    family: Family,
}

/// Why a reference cannot be built as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// There is no such network.
    #[error("no reference network is called `{name}`; known are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// The width multiplier is out of range.
    #[error("width multiplier {width} of {name}; expected 0.05 to 8")]
    Width {
        /// The network.
        name: String,
        /// What was asked for.
        width: f64,
    },
    /// The network cannot be built at this width multiplier.
    #[error("{name} at width multiplier {width}: {problem}")]
    Impossible {
        /// The network.
        name: String,
        /// What was asked for.
        width: f64,
        /// Why not.
        problem: String,
    },
    /// The resolution is out of range.
    #[error("resolution {resolution} of {name}; expected 1 to {most} pixels", most = limits::RESOLUTION)]
    Resolution {
        /// The network.
        name: String,
        /// What was asked for.
        resolution: u32,
    },
    /// The number of classes is out of range.
    #[error("{classes} classes; expected 1 to {most}", most = limits::CLASSES)]
    Classes {
        /// What was asked for.
        classes: u32,
    },
}

/// The data files, compiled in: name and text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/references.rs"));
const PUBLISHED: &str = include_str!("../references/published.csv");

static ALL: LazyLock<Vec<Reference>> = LazyLock::new(|| {
    let mut published = published::read(PUBLISHED).unwrap_or_else(|error| panic!("references/published.csv: {error}"));
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
    /// Reads a family's references from TOML: one, or one for each `[[variant]]`. What was published of them is not
    /// in the document.
    pub fn from_toml(text: &str) -> Result<Vec<Self>, DocumentError> {
        document::read(text)
    }

    /// Every reference that comes with mnas, by name.
    ///
    /// # Panics
    ///
    /// If a compiled-in file is broken, which a test rules out.
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The reference of this name, such as `mobilenet-v3-large`.
    pub fn named(name: &str) -> Result<&'static Self, ReferenceError> {
        let found = Self::all().iter().find(|reference| reference.name() == name);
        found.ok_or_else(|| ReferenceError::Unknown {
            name: name.to_owned(),
            known: Self::all().iter().map(Self::name).collect::<Vec<_>>().join(", "),
        })
    }

    /// Its name, such as `mobilenet-v3-large`.
    pub fn name(&self) -> &str {
        &self.family.name
    }

    /// Width multipliers it was published with.
    pub fn widths(&self) -> &[f64] {
        &self.family.widths
    }

    /// Input sides in pixels it was published with.
    pub fn resolutions(&self) -> &[u32] {
        &self.family.resolutions
    }

    /// The input side it is known by: 224 pixels where it was published with that, otherwise the first.
    pub fn native_resolution(&self) -> u32 {
        let usual = 224;
        if self.resolutions().contains(&usual) {
            usual
        } else {
            self.resolutions()[0]
        }
    }

    /// ImageNet top-1 in percent as first published at a width multiplier and resolution.
    pub fn imagenet_top1(&self, width: f64, resolution: u32) -> Option<f64> {
        self.published_at(width, resolution).find_map(|point| point.top1)
    }

    /// What was published at a width multiplier and resolution, the authors' figures first.
    pub fn published_at(&self, width: f64, resolution: u32) -> impl Iterator<Item = &PublishedPoint> {
        let at = move |point: &&PublishedPoint| (point.width - width).abs() < 1e-9 && point.resolution == resolution;
        self.published.iter().filter(at)
    }

    /// The network at a width multiplier and resolution, published or not, scoring `classes` classes.
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

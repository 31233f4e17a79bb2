//! Published networks: data in `space/references/*.toml`, one file each.

use serde::Deserialize;

use crate::architecture::Architecture;
use crate::document::{self, DocumentError};
use crate::family::{Family, RawFamily};
use crate::notation::limits;

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
    /// ImageNet top-1 in percent at width 1 and resolution 224, as published; `source` says by whom.
    pub imagenet_top1: f64,
    /// Where the accuracy stands.
    pub source: String,
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawReference {
    title: String,
    paper: String,
    imagenet_top1: f64,
    source: String,
    family: RawFamily,
}

/// The data files, compiled in.
const FILES: [(&str, &str); 4] = [
    ("mobilenet-v1.toml", include_str!("../references/mobilenet-v1.toml")),
    ("mobilenet-v2.toml", include_str!("../references/mobilenet-v2.toml")),
    (
        "mobilenet-v3-large.toml",
        include_str!("../references/mobilenet-v3-large.toml"),
    ),
    (
        "mobilenet-v3-small.toml",
        include_str!("../references/mobilenet-v3-small.toml"),
    ),
];

impl Reference {
    /// Reads a reference from its TOML form.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        let RawReference {
            title,
            paper,
            imagenet_top1,
            source,
            family,
        } = document::parse_toml(text)?;
        let family = family.check(text)?;
        if let Some(stage) = family
            .stages
            .iter()
            .position(|stage| stage.choices.len() != 1 || stage.channels.len() != 1 || stage.depth.len() != 1)
        {
            let problem = format!(
                "stage {} of `{}` has a choice; a reference is one network",
                stage + 1,
                family.name
            );
            return Err(DocumentError {
                line: 1,
                column: 1,
                problem,
            });
        }
        Ok(Self {
            title,
            paper,
            imagenet_top1,
            source,
            family,
        })
    }

    /// Every reference, in order of publication.
    ///
    /// # Panics
    ///
    /// If a compiled-in file is broken, which a test rules out.
    pub fn all() -> Vec<Self> {
        FILES
            .iter()
            .map(|(file, text)| Self::from_toml(text).unwrap_or_else(|error| panic!("references/{file}: {error}")))
            .collect()
    }

    /// The reference of this name, such as `mobilenet-v3-large`.
    pub fn named(name: &str) -> Result<Self, ReferenceError> {
        let mut all = Self::all();
        if let Some(index) = all.iter().position(|reference| reference.name() == name) {
            return Ok(all.swap_remove(index));
        }
        let known = all.iter().map(Self::name).collect::<Vec<_>>().join(", ");
        Err(ReferenceError::Unknown {
            name: name.to_owned(),
            known,
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
        let family = Family {
            widths: vec![width],
            resolutions: vec![resolution],
            ..self.family.clone()
        };
        let genes = vec![0; family.gene_sizes().len()];
        Ok(family.express(&genes, classes))
    }
}

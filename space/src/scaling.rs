//! Scaling rules: how a network is made larger or smaller in width, depth and resolution.
//!
//! Rules are data in `configs/scaling/*.toml`; [`ScalingRule::scale`] applies one to any architecture.

mod apply;

use serde::Deserialize;
use toml::Spanned;

use crate::document::{self, DocumentError};
use crate::limits;
use crate::rounding::Scaling;

/// Factors by which a network grows in its three dimensions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multipliers {
    /// Of channels.
    pub width: f64,
    /// Of layers in a stage.
    pub depth: f64,
    /// Of the input's side.
    pub resolution: f64,
}

/// The bases of compound scaling (`EfficientNet`, arXiv:1905.11946, equation 3): with the coefficient phi, depth grows by
/// alpha, width by beta and resolution by gamma to the power of phi.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compound {
    /// Alpha.
    pub depth: f64,
    /// Beta.
    pub width: f64,
    /// Gamma.
    pub resolution: f64,
}

/// A published point of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalingStep {
    /// Its name, such as `b2`.
    pub name: String,
    /// Its factors.
    pub multipliers: Multipliers,
}

/// A way to scale networks.
///
/// ```
/// use mnas_space::{Reference, ScalingRule};
/// let rule = ScalingRule::named("efficientnet")?;
/// let b0 = Reference::named("efficientnet-b0")?.architecture(1.0, 224, 1000)?;
/// let b2 = Reference::named("efficientnet-b2")?.architecture(1.0, 260, 1000)?;
/// assert_eq!(rule.scale(&b0, rule.step("b2")?.multipliers)?, b2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ScalingRule {
    /// Its name.
    pub name: String,
    /// One sentence on what it does.
    pub description: String,
    /// Where it was published.
    pub paper: String,
    /// Its bases, where it has a coefficient.
    pub compound: Option<Compound>,
    /// The points it was published with.
    pub steps: Vec<ScalingStep>,
    /// How the first convolution's channels follow the width; always by default.
    pub stem_width: Scaling,
    /// How the classifier's hidden layer, or the last convolution where there is none, follows the width; always by
    /// default.
    pub head_width: Scaling,
    /// Whether the first and the last stage follow the depth; always by default.
    pub outer_depth: Scaling,
}

/// Why a network cannot be scaled as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScalingError {
    /// There is no such rule.
    #[error("no scaling rule is called `{name}`; known are {known}")]
    UnknownRule {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// The rule has no such step.
    #[error("scaling rule `{rule}` has no step `{name}`; it has {known}")]
    UnknownStep {
        /// The rule.
        rule: String,
        /// What was asked for.
        name: String,
        /// Its steps.
        known: String,
    },
    /// A factor is out of range.
    #[error("{dimension} multiplier {factor}; expected 0.05 to 16")]
    Factor {
        /// Width, depth or resolution.
        dimension: &'static str,
        /// What was asked for.
        factor: f64,
    },
    /// The scaled network is beyond what an architecture can be.
    #[error("the scaled network is impossible: {problem}")]
    Impossible {
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawRule {
    name: String,
    description: String,
    paper: String,
    compound: Option<Spanned<Compound>>,
    native_resolution: Spanned<u32>,
    step: Vec<Spanned<RawStep>>,
    #[serde(default)]
    stem_width: Scaling,
    #[serde(default)]
    head_width: Scaling,
    #[serde(default)]
    outer_depth: Scaling,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    name: String,
    #[serde(default = "one")]
    width: f64,
    #[serde(default = "one")]
    depth: f64,
    resolution: Option<u32>,
}

fn one() -> f64 {
    1.0
}

/// The rules that come with mnas: name and TOML text.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scaling.rs"));

impl ScalingRule {
    /// Reads a rule from TOML. Unknown keys, wrong types and numbers out of range are errors with a line.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        let raw: RawRule = document::parse_toml(text)?;
        let native = *raw.native_resolution.get_ref();
        if !(1..=limits::RESOLUTION).contains(&native) {
            let problem = format!("native resolution {native}; expected 1 to {}", limits::RESOLUTION);
            return Err(DocumentError::at(text, raw.native_resolution.span().start, problem));
        }
        let mut steps = Vec::new();
        for step in raw.step {
            let at = step.span().start;
            let step = step.into_inner();
            let resolution = step.resolution.unwrap_or(native);
            let multipliers = Multipliers {
                width: step.width,
                depth: step.depth,
                resolution: f64::from(resolution) / f64::from(native),
            };
            let checked = multipliers.check();
            checked.map_err(|error| DocumentError::at(text, at, format!("step `{}`: {error}", step.name)))?;
            steps.push(ScalingStep {
                name: step.name,
                multipliers,
            });
        }
        if let Some(compound) = &raw.compound {
            let Compound {
                depth,
                width,
                resolution,
            } = *compound.get_ref();
            if let Some(base) = [depth, width, resolution]
                .into_iter()
                .find(|base| !(1.0..=4.0).contains(base))
            {
                let problem = format!("compound base {base}; expected 1 to 4");
                return Err(DocumentError::at(text, compound.span().start, problem));
            }
        }
        Ok(Self {
            name: raw.name,
            description: raw.description,
            paper: raw.paper,
            compound: raw.compound.map(Spanned::into_inner),
            steps,
            stem_width: raw.stem_width,
            head_width: raw.head_width,
            outer_depth: raw.outer_depth,
        })
    }

    /// Names of the rules that come with mnas.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// The rule of this name that comes with mnas.
    ///
    /// # Panics
    ///
    /// If a compiled-in file is broken, which a test rules out.
    pub fn named(name: &str) -> Result<Self, ScalingError> {
        let Some((file, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
            return Err(ScalingError::UnknownRule {
                name: name.to_owned(),
                known: Self::names().collect::<Vec<_>>().join(", "),
            });
        };
        Ok(Self::from_toml(text).unwrap_or_else(|error| panic!("configs/scaling/{file}.toml: {error}")))
    }

    /// The published step of this name.
    pub fn step(&self, name: &str) -> Result<&ScalingStep, ScalingError> {
        let found = self.steps.iter().find(|step| step.name == name);
        found.ok_or_else(|| ScalingError::UnknownStep {
            rule: self.name.clone(),
            name: name.to_owned(),
            known: self
                .steps
                .iter()
                .map(|step| step.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// The factors at a compound coefficient; `None` where the rule has none. Negative coefficients shrink.
    pub fn at(&self, phi: f64) -> Option<Multipliers> {
        self.compound.map(|base| Multipliers {
            width: base.width.powf(phi),
            depth: base.depth.powf(phi),
            resolution: base.resolution.powf(phi),
        })
    }
}

impl Multipliers {
    fn check(&self) -> Result<(), ScalingError> {
        let factors = [
            ("width", self.width),
            ("depth", self.depth),
            ("resolution", self.resolution),
        ];
        match factors.into_iter().find(|(_, factor)| !(0.05..=16.0).contains(factor)) {
            Some((dimension, factor)) => Err(ScalingError::Factor { dimension, factor }),
            None => Ok(()),
        }
    }
}

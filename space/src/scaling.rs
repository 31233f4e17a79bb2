//! Scaling rules, which make networks larger or smaller in width, depth and resolution.
//!
//! Rules are data in `configs/scaling/*.toml`. [`ScalingRule::scale`] applies a rule to an architecture.

mod apply;

use serde::Deserialize;
use toml::Spanned;

use crate::document::{self, DocumentError};
use crate::limits;
use crate::rounding::Scaling;

/// Factors for width, depth and resolution of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multipliers {
    /// Factor for channels.
    pub width: f64,
    /// Factor for the number of blocks in a stage.
    pub depth: f64,
    /// Factor for the input's side.
    pub resolution: f64,
}

/// Bases of compound scaling (`EfficientNet`, arXiv:1905.11946, equation 3): for the coefficient phi, the factors for
/// depth, width and resolution are alpha, beta and gamma raised to the power phi.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compound {
    /// Alpha, the base for depth.
    pub depth: f64,
    /// Beta, the base for width.
    pub width: f64,
    /// Gamma, the base for resolution.
    pub resolution: f64,
}

/// Published step of a scaling rule.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalingStep {
    /// Name, such as `b2`.
    pub name: String,
    /// Factors.
    pub multipliers: Multipliers,
}

/// Rule for scaling networks.
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
    /// Name.
    pub name: String,
    /// Description in one sentence.
    pub description: String,
    /// Publication.
    pub paper: String,
    /// Bases of compound scaling, if the rule has them.
    pub compound: Option<Compound>,
    /// Published steps.
    pub steps: Vec<ScalingStep>,
    /// Scaling of the first convolution's channels with width; always by default.
    pub stem_width: Scaling,
    /// Scaling of the head's hidden layer, or of the last convolution if there is none, with width; always by default.
    pub head_width: Scaling,
    /// Scaling of the first and the last stage with depth; always by default.
    pub outer_depth: Scaling,
}

/// Error in scaling a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScalingError {
    /// No rule has this name.
    #[error("no scaling rule is called `{name}`; known are {known}")]
    UnknownRule {
        /// Requested name.
        name: String,
        /// Names of all rules.
        known: String,
    },
    /// The rule has no step of this name.
    #[error("scaling rule `{rule}` has no step `{name}`; it has {known}")]
    UnknownStep {
        /// Name of the rule.
        rule: String,
        /// Requested name.
        name: String,
        /// Names of the rule's steps.
        known: String,
    },
    /// A factor is out of range.
    #[error("{dimension} multiplier {factor}; expected 0.05 to 16")]
    Factor {
        /// Width, depth or resolution.
        dimension: &'static str,
        /// Requested factor.
        factor: f64,
    },
    /// The scaled network exceeds the bounds of architectures.
    #[error("the scaled network is impossible: {problem}")]
    Impossible {
        /// Reason.
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

/// Compiled-in rules: name and TOML text.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scaling.rs"));

impl ScalingRule {
    /// Reads a rule from TOML. Unknown keys, wrong types and numbers out of range are errors with a position.
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

    /// Names of the compiled-in rules.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// Compiled-in rule of this name.
    ///
    /// # Panics
    ///
    /// Panics if a compiled-in file is invalid, which a test excludes.
    pub fn named(name: &str) -> Result<Self, ScalingError> {
        let Some((file, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
            return Err(ScalingError::UnknownRule {
                name: name.to_owned(),
                known: Self::names().collect::<Vec<_>>().join(", "),
            });
        };
        Ok(Self::from_toml(text).unwrap_or_else(|error| panic!("configs/scaling/{file}.toml: {error}")))
    }

    /// Published step of this name.
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

    /// Factors at compound coefficient `phi`; `None` if the rule has no bases. Negative coefficients make networks smaller.
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

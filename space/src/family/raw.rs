//! Families as TOML: the raw form with positions, turned into a checked [`Family`] once.

use serde::Deserialize;
use toml::Spanned;

use super::{BlockChoice, Family, HiddenRule, SqueezeRatio, Stage};
use crate::activation::{Activation, Gate};
use crate::document::{DocumentError, OneOrMany};
use crate::notation::limits;
use crate::rounding::Scaling;

/// A `[[family]]` table of a space.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RawFamily {
    name: Spanned<String>,
    resolution: Spanned<OneOrMany<u32>>,
    #[serde(default = "width_one")]
    width: Spanned<OneOrMany<f64>>,
    divisor: Option<u32>,
    stage: Vec<Spanned<RawStage>>,
    hidden: Option<Spanned<RawHidden>>,
}

fn width_one() -> Spanned<OneOrMany<f64>> {
    Spanned::new(0..0, OneOrMany(vec![1.0]))
}

/// A `[[family.stage]]` table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RawStage {
    channels: OneOrMany<u32>,
    #[serde(default = "one")]
    depth: OneOrMany<u32>,
    #[serde(default = "stride_one")]
    stride: u32,
    #[serde(default)]
    scaling: Scaling,
    #[serde(default)]
    choose: Choose,
    choices: Option<Vec<Spanned<RawChoice>>>,
    // The fields of a choice, for stages that have only one list of them.
    block: Option<OneOrMany<Kind>>,
    kernel: Option<OneOrMany<u32>>,
    expansion: Option<OneOrMany<f64>>,
    squeeze_excite: Option<OneOrMany<f64>>,
    gate: Option<OneOrMany<Gate>>,
    activation: Option<OneOrMany<Activation>>,
}

/// A set of blocks: the product of its lists.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawChoice {
    block: OneOrMany<Kind>,
    kernel: Option<OneOrMany<u32>>,
    expansion: Option<OneOrMany<f64>>,
    squeeze_excite: Option<OneOrMany<f64>>,
    gate: Option<OneOrMany<Gate>>,
    activation: Option<OneOrMany<Activation>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Conv,
    Ds,
    Ir,
    Id,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choose {
    #[default]
    Layer,
    Stage,
}

/// A `hidden` table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RawHidden {
    features: u32,
    activation: Activation,
    #[serde(default = "never")]
    scaling: Scaling,
}

fn one() -> OneOrMany<u32> {
    OneOrMany(vec![1])
}

fn stride_one() -> u32 {
    1
}

fn never() -> Scaling {
    Scaling::Never
}

impl RawFamily {
    /// Checks every number and builds the family; `text` is the document, for positions.
    pub fn check(self, text: &str) -> Result<Family, DocumentError> {
        let fail = |at: usize, problem: String| Err(DocumentError::at(text, at, problem));
        let at = self.name.span().start;
        if self.stage.is_empty() {
            return fail(
                at,
                format!("family `{}` has no stages; add at least one", self.name.get_ref()),
            );
        }
        let at = self.resolution.span().start;
        for side in &self.resolution.get_ref().0 {
            if !(1..=limits::RESOLUTION).contains(side) {
                return fail(at, format!("resolution {side}; expected 1 to {}", limits::RESOLUTION));
            }
        }
        let at = self.width.span().start;
        for width in &self.width.get_ref().0 {
            if !(0.01..=16.0).contains(width) {
                return fail(at, format!("width multiplier {width}; expected 0.01 to 16"));
            }
        }
        let divisor = self.divisor.unwrap_or(8);
        if !(1..=256).contains(&divisor) {
            return fail(at, format!("divisor {divisor}; expected 1 to 256"));
        }
        let hidden = self.hidden.map(|hidden| {
            let RawHidden {
                features,
                activation,
                scaling,
            } = hidden.into_inner();
            HiddenRule {
                features,
                activation,
                scaling,
            }
        });
        let stages = self
            .stage
            .into_iter()
            .map(|stage| stage_of(stage, text))
            .collect::<Result<_, _>>()?;
        Ok(Family {
            name: self.name.into_inner(),
            resolutions: self.resolution.into_inner().0,
            widths: self.width.into_inner().0,
            divisor,
            stages,
            hidden,
        })
    }
}

fn stage_of(raw: Spanned<RawStage>, text: &str) -> Result<Stage, DocumentError> {
    let at = raw.span().start;
    let raw = raw.into_inner();
    let fail = |problem: String| Err(DocumentError::at(text, at, problem));
    if let Some(channels) = raw
        .channels
        .0
        .iter()
        .find(|channels| !(1..=limits::CHANNELS).contains(*channels))
    {
        return fail(format!("channels {channels}; expected 1 to {}", limits::CHANNELS));
    }
    if let Some(depth) = raw.depth.0.iter().find(|depth| !(1..=64).contains(*depth)) {
        return fail(format!("depth {depth}; expected 1 to 64 layers"));
    }
    if !(1..=limits::STRIDE).contains(&raw.stride) {
        return fail(format!("stride {}; expected 1 to {}", raw.stride, limits::STRIDE));
    }
    let own = own_choice(&raw);
    let choices = match (raw.choices, own) {
        (Some(_), Some(_)) => {
            return fail("a stage has either `choices` or the fields of one choice (`block`, `kernel`, …)".to_owned());
        }
        (None, None) => return fail("the stage has no `block`; expected conv, ds, ir or id".to_owned()),
        (None, Some(choice)) => product(&choice, at, text)?,
        (Some(list), None) => {
            let mut choices = Vec::new();
            for choice in list {
                let at = choice.span().start;
                choices.extend(product(&choice.into_inner(), at, text)?);
            }
            choices
        }
    };
    Ok(Stage {
        choices,
        channels: raw.channels.0,
        depth: raw.depth.0,
        stride: raw.stride,
        scaling: raw.scaling,
        per_layer: raw.choose == Choose::Layer,
    })
}

/// The fields of a stage that describe its single set of choices, `None` where it has no `block`.
fn own_choice(raw: &RawStage) -> Option<RawChoice> {
    Some(RawChoice {
        block: raw.block.clone()?,
        kernel: raw.kernel.clone(),
        expansion: raw.expansion.clone(),
        squeeze_excite: raw.squeeze_excite.clone(),
        gate: raw.gate.clone(),
        activation: raw.activation.clone(),
    })
}

/// Every combination of a choice's lists.
fn product(raw: &RawChoice, at: usize, text: &str) -> Result<Vec<BlockChoice>, DocumentError> {
    let fail = |problem: String| DocumentError::at(text, at, problem);
    let need = |kind: Kind, key: &str| fail(format!("block `{kind:?}` needs `{key}`").to_lowercase());
    let mut choices = Vec::new();
    for &kind in &raw.block.0 {
        if kind == Kind::Id {
            choices.push(BlockChoice::Identity);
            continue;
        }
        let kernels = &raw.kernel.as_ref().ok_or_else(|| need(kind, "kernel"))?.0;
        let activations = &raw.activation.as_ref().ok_or_else(|| need(kind, "activation"))?.0;
        let expansions = match (&raw.expansion, kind) {
            (Some(expansions), _) => expansions.0.clone(),
            (None, Kind::Ir) => return Err(need(kind, "expansion")),
            (None, _) => vec![1.0],
        };
        let squeezes = squeezes(raw).map_err(fail)?;
        for &kernel in kernels {
            if kernel % 2 == 0 || kernel > limits::KERNEL {
                return Err(fail(format!(
                    "kernel {kernel}; expected an odd number up to {}",
                    limits::KERNEL
                )));
            }
            for &expansion in if kind == Kind::Ir { &expansions[..] } else { &[1.0] } {
                if !(0.125..=limits::EXPANSION).contains(&expansion) {
                    return Err(fail(format!(
                        "expansion {expansion}; expected 0.125 to {}",
                        limits::EXPANSION
                    )));
                }
                for &squeeze_excite in if kind == Kind::Conv { &[None][..] } else { &squeezes[..] } {
                    for &activation in activations {
                        choices.push(match kind {
                            Kind::Conv => BlockChoice::Conv { kernel, activation },
                            Kind::Ds => BlockChoice::DepthwiseSeparable {
                                kernel,
                                squeeze_excite,
                                activation,
                            },
                            _ => BlockChoice::InvertedResidual {
                                kernel,
                                expansion,
                                squeeze_excite,
                                activation,
                            },
                        });
                    }
                }
            }
        }
    }
    Ok(choices)
}

/// The squeeze-excite options of a choice; a ratio of 0 is none.
fn squeezes(raw: &RawChoice) -> Result<Vec<Option<SqueezeRatio>>, String> {
    let gates = raw
        .gate
        .as_ref()
        .map_or(vec![Gate::HardSigmoid], |gates| gates.0.clone());
    let ratios = raw.squeeze_excite.as_ref().map_or(vec![0.0], |ratios| ratios.0.clone());
    let mut squeezes = Vec::new();
    for ratio in ratios {
        if ratio == 0.0 {
            squeezes.push(None);
        } else if (0.01..=1.0).contains(&ratio) {
            squeezes.extend(gates.iter().map(|&gate| Some(SqueezeRatio { ratio, gate })));
        } else {
            return Err(format!(
                "squeeze-excite {ratio}; expected 0 for none, or a share from 0.01 to 1"
            ));
        }
    }
    Ok(squeezes)
}

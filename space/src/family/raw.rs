//! Families as TOML: a raw form with positions, which is checked and converted to a [`Family`].

mod choices;
mod stage;

use serde::Deserialize;
use toml::Spanned;

use super::table::Table;
use super::{Family, HiddenRule};
use crate::activation::Activation;
use crate::batch_norm::BatchNorm;
use crate::block::HiddenNorm;
use crate::document::{DocumentError, OneOrMany, check_count};
use crate::limits;
use crate::rounding::Scaling;
use stage::RawStage;

/// Table `[[family]]` of a space, or `[family]` of a reference.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RawFamily {
    name: Spanned<String>,
    resolution: Spanned<OneOrMany<u32>>,
    #[serde(default = "width_one")]
    width: Spanned<OneOrMany<f64>>,
    divisor: Option<Spanned<u32>>,
    #[serde(default)]
    batch_norm: BatchNorm,
    stage: Vec<Spanned<RawStage>>,
    hidden: Option<Spanned<RawHidden>>,
}

fn width_one() -> Spanned<OneOrMany<f64>> {
    Spanned::new(0..0, OneOrMany(vec![1.0]))
}

/// Table `hidden`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawHidden {
    features: u32,
    #[serde(default)]
    norm: HiddenNorm,
    activation: Activation,
    #[serde(default = "never")]
    scaling: Scaling,
}

fn never() -> Scaling {
    Scaling::Never
}

/// Changes to a family after its document is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alteration {
    /// Factor applied to every width multiplier.
    pub width: f64,
    /// Factor applied to the depth of stages, rounded up; stages with `depth-scaling = "never"` keep their depth.
    pub depth: f64,
    /// Number of early strides that are replaced by 1: the first ones above 1.
    pub early_strides_removed: usize,
}

impl Default for Alteration {
    fn default() -> Self {
        Self {
            width: 1.0,
            depth: 1.0,
            early_strides_removed: 0,
        }
    }
}

impl RawFamily {
    /// Name with its position.
    pub fn name(&self) -> &Spanned<String> {
        &self.name
    }

    /// Checks all values and builds the family; `text` is the document, for the positions in errors.
    pub fn check(self, text: &str, alteration: Alteration) -> Result<Family, DocumentError> {
        let fail = |at: usize, problem: String| Err(DocumentError::at(text, at, problem));
        let name_at = self.name.span().start;
        let name = self.name.into_inner();
        if self.stage.is_empty() {
            return fail(name_at, format!("family `{name}` has no stages; add at least one"));
        }
        let (resolutions, at) = (self.resolution.get_ref(), self.resolution.span().start);
        check_count(text, at, "resolutions", resolutions.0.len())?;
        for side in &resolutions.0 {
            if !(1..=limits::RESOLUTION).contains(side) {
                return fail(at, format!("resolution {side}; expected 1 to {}", limits::RESOLUTION));
            }
        }
        let (widths, at) = (self.width.get_ref(), self.width.span().start);
        check_count(text, at, "widths", widths.0.len())?;
        for width in &widths.0 {
            if !(0.01..=16.0).contains(width) {
                return fail(at, format!("width multiplier {width}; expected 0.01 to 16"));
            }
        }
        let divisor = match self.divisor {
            Some(divisor) if (1..=256).contains(divisor.get_ref()) => divisor.into_inner(),
            Some(divisor) => {
                let problem = format!("divisor {}; expected 1 to 256", divisor.get_ref());
                return fail(divisor.span().start, problem);
            }
            None => 8,
        };
        let hidden = self.hidden.map(|hidden| hidden_rule(&hidden, text)).transpose()?;
        let places: Vec<usize> = self.stage.iter().map(|stage| stage.span().start).collect();
        let mut stages = Vec::new();
        let (mut layers, mut choices) = (0, 0);
        for stage in self.stage {
            let at = stage.span().start;
            let stage = stage.into_inner().check(at, text, alteration.depth)?;
            layers += stage.max_depth() as usize;
            if layers > limits::BLOCKS {
                return fail(
                    at,
                    format!("more than {} layers up to here; remove some", limits::BLOCKS),
                );
            }
            choices += stage.choices.len();
            if choices > limits::FAMILY_CHOICES {
                let most = limits::FAMILY_CHOICES;
                return fail(
                    at,
                    format!("more than {most} choices of blocks up to here; remove some"),
                );
            }
            stages.push(stage);
        }
        let strided = stages.iter_mut().filter(|stage| stage.stride > 1);
        for stage in strided.take(alteration.early_strides_removed) {
            stage.stride = 1;
        }
        let family = Family {
            name,
            resolutions: self.resolution.into_inner().0,
            widths: self.width.into_inner().0,
            base_width: alteration.width,
            divisor,
            batch_norm: self.batch_norm,
            stages,
            hidden,
            table: Table::default(),
        };
        family
            .tabulated()
            .map_err(|problem| DocumentError::at(text, places[problem.stage], problem.problem))
    }
}

fn hidden_rule(raw: &Spanned<RawHidden>, text: &str) -> Result<HiddenRule, DocumentError> {
    let hidden = raw.get_ref();
    if !(1..=limits::HIDDEN_CHANNELS / 16).contains(&hidden.features) {
        let most = limits::HIDDEN_CHANNELS / 16;
        let problem = format!("{} hidden features; expected 1 to {most}", hidden.features);
        return Err(DocumentError::at(text, raw.span().start, problem));
    }
    Ok(HiddenRule {
        features: hidden.features,
        norm: hidden.norm,
        activation: hidden.activation,
        scaling: hidden.scaling,
    })
}

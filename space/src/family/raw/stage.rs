//! Stages as TOML.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::choices::{self, RawChoices};
use crate::document::{DocumentError, OneOrMany, check_count};
use crate::family::{BlockChoice, Stage};
use crate::limits;
use crate::rounding::Scaling;

/// Table `[[family.stage]]`. The fields of block choices are either its own keys or the tables of its list `choices`.
#[derive(Debug, Clone, Default)]
pub(super) struct RawStage {
    channels: Option<OneOrMany<u32>>,
    depth: Option<OneOrMany<u32>>,
    stride: Option<u32>,
    scaling: Option<Scaling>,
    depth_scaling: Option<DepthScaling>,
    choose: Option<ChoiceUnit>,
    choices: Option<Vec<Spanned<RawChoices>>>,
    own: RawChoices,
}

/// Part of a stage for which a block is chosen: each layer, or the stage as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChoiceUnit {
    #[default]
    Layer,
    Stage,
}

/// Effect of a depth multiplier on a stage.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DepthScaling {
    #[default]
    Always,
    Never,
}

const KEYS: [&str; 7] = [
    "channels",
    "depth",
    "stride",
    "scaling",
    "depth-scaling",
    "choose",
    "choices",
];

impl<'de> Deserialize<'de> for RawStage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StageVisitor;

        impl<'de> Visitor<'de> for StageVisitor {
            type Value = RawStage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table that describes a stage")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut stage = RawStage::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "channels" => stage.channels = Some(map.next_value()?),
                        "depth" => stage.depth = Some(map.next_value()?),
                        "stride" => stage.stride = Some(map.next_value()?),
                        "scaling" => stage.scaling = Some(map.next_value()?),
                        "depth-scaling" => stage.depth_scaling = Some(map.next_value()?),
                        "choose" => stage.choose = Some(map.next_value()?),
                        "choices" => stage.choices = Some(map.next_value()?),
                        _ if RawChoices::has_key(&key) => stage.own.read(key, &mut map)?,
                        _ => {
                            let known = KEYS.into_iter().chain(RawChoices::keys());
                            return Err(de::Error::custom(choices::unknown_key(&key, known)));
                        }
                    }
                }
                Ok(stage)
            }
        }

        deserializer.deserialize_map(StageVisitor)
    }
}

impl RawStage {
    /// Checks all values; `at` is the byte offset of the stage in `text`. Depths are multiplied by `depth_multiplier`.
    pub fn check(self, at: usize, text: &str, depth_multiplier: f64) -> Result<Stage, DocumentError> {
        let fail = |problem: String| Err(DocumentError::at(text, at, problem));
        let Some(OneOrMany(channels)) = self.channels else {
            return fail("the stage has no `channels`; expected its output channels".to_owned());
        };
        check_count(text, at, "channel counts", channels.len())?;
        let most = limits::CHANNELS;
        if let Some(channels) = channels.iter().find(|channels| !(1..=most).contains(*channels)) {
            return fail(format!("channels {channels}; expected 1 to {most}"));
        }
        let depths = self.depth.map_or(vec![1], |depth| depth.0);
        check_count(text, at, "depths", depths.len())?;
        let multiplier = match self.depth_scaling.unwrap_or_default() {
            DepthScaling::Always => depth_multiplier,
            DepthScaling::Never => 1.0,
        };
        let mut depth = Vec::new();
        for layers in depths {
            let scaled = (f64::from(layers) * multiplier).ceil();
            if !(1.0..=64.0).contains(&scaled) {
                return fail(format!("depth {scaled}; expected 1 to 64 layers"));
            }
            depth.push(scaled as u32);
        }
        let stride = self.stride.unwrap_or(1);
        if !(1..=limits::STRIDE).contains(&stride) {
            return fail(format!("stride {stride}; expected 1 to {}", limits::STRIDE));
        }
        Ok(Stage {
            choices: checked_choices(&self.own, self.choices, at, text)?,
            channels,
            depth,
            stride,
            scaling: self.scaling.unwrap_or_default(),
            per_layer: self.choose.unwrap_or_default() == ChoiceUnit::Layer,
        })
    }
}

/// Block choices of a stage, from its own fields or from its list of choices.
fn checked_choices(
    own: &RawChoices,
    list: Option<Vec<Spanned<RawChoices>>>,
    at: usize,
    text: &str,
) -> Result<Vec<BlockChoice>, DocumentError> {
    let Some(list) = list else {
        return Ok(distinct(own.product(at, text)?));
    };
    if !own.is_empty() {
        let problem = "a stage has either `choices` or the fields of one choice (`block`, `kernel`, …)";
        return Err(DocumentError::at(text, at, problem));
    }
    let mut choices: Vec<BlockChoice> = Vec::new();
    for choice in list {
        let at = choice.span().start;
        choices.extend(choice.into_inner().product(at, text)?);
        check_count(text, at, "choices", choices.len())?;
    }
    if choices.is_empty() {
        return Err(DocumentError::at(text, at, "`choices` is empty; expected at least one"));
    }
    Ok(distinct(choices))
}

/// Removes choices that equal an earlier one.
fn distinct(mut choices: Vec<BlockChoice>) -> Vec<BlockChoice> {
    let mut seen = HashSet::new();
    choices.retain(|choice| seen.insert(choice.to_string()));
    choices
}

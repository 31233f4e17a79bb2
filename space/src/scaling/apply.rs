//! Application of scaling rules to architectures.

use super::{Multipliers, ScalingError, ScalingRule};
use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::block::field::{HIDDEN_CHANNELS, SQUEEZE_CHANNELS, Value, Values};
use crate::block::kind::Context;
use crate::block::{Block, Conv, HiddenLayer};
use crate::notation::parse;
use crate::rounding::{Scaling, make_divisible};

/// Divisor of scaled channels.
const DIVISOR: u32 = 8;

impl ScalingRule {
    /// Scales the channels, the stage depths and the input's side of `architecture` by `factors`.
    ///
    /// Channels are rounded by [`make_divisible`]; hidden channels and squeeze-excites keep their ratios. A stage is a
    /// sequence of blocks with equal output channels, of which only the first may have a stride above 1; plain convolutions
    /// belong to no stage. The number of blocks is rounded up, and added blocks repeat the last one. The input's side is
    /// rounded to whole pixels.
    ///
    /// Factors out of range, and scaled networks beyond the bounds of architectures, are errors.
    pub fn scale(&self, architecture: &Architecture, factors: Multipliers) -> Result<Architecture, ScalingError> {
        factors.check()?;
        let impossible = |problem: String| ScalingError::Impossible { problem };
        let deepened = self.deepened(&architecture.blocks, factors.depth);
        let last = deepened.len().saturating_sub(1);
        let mut blocks = Vec::with_capacity(deepened.len());
        let mut in_channels = INPUT_CHANNELS;
        for (index, (block, before)) in deepened.iter().enumerate() {
            let is_head = index == last && architecture.head.hidden.is_none() && is_pointwise(block);
            let scaling = match index {
                0 => self.stem_width,
                _ if is_head => self.head_width,
                _ => Scaling::Always,
            };
            let channels = scaling.apply(block.channels(), factors.width, DIVISOR);
            blocks.push(widened(block, (*before, in_channels), channels).map_err(impossible)?);
            in_channels = channels;
        }
        let mut head = architecture.head;
        head.hidden = head.hidden.map(|hidden| HiddenLayer {
            features: self.head_width.apply(hidden.features, factors.width, DIVISOR),
            ..hidden
        });
        parse::check(Architecture {
            resolution: (f64::from(architecture.resolution) * factors.resolution).round() as u32,
            batch_norm: architecture.batch_norm,
            blocks,
            head,
        })
        .map_err(|error| impossible(format!("{}; {}", error.problem, error.expected)))
    }

    /// Blocks with scaled stage depths, each with its input channels in the unscaled network.
    fn deepened(&self, blocks: &[Block], depth: f64) -> Vec<(Block, u32)> {
        let mut channels = INPUT_CHANNELS;
        let placed: Vec<(Block, u32)> = blocks
            .iter()
            .map(|block| (*block, std::mem::replace(&mut channels, block.channels())))
            .collect();
        let stages: Vec<&[(Block, u32)]> = placed
            .chunk_by(|(one, _), (next, _)| {
                !is_plain(one) && !is_plain(next) && next.stride() == 1 && next.channels() == one.channels()
            })
            .collect();
        let is_repeated = |stage: &&[(Block, u32)]| !is_plain(&stage[0].0);
        let outer = [
            stages.iter().position(is_repeated),
            stages.iter().rposition(is_repeated),
        ];
        let mut deepened = Vec::new();
        for (index, stage) in stages.iter().enumerate() {
            deepened.extend_from_slice(stage);
            let is_kept = self.outer_depth == Scaling::Never && outer.contains(&Some(index));
            if is_kept || !is_repeated(stage) {
                continue;
            }
            // Subtracts a tolerance, so that rounding errors above a whole number do not add a layer.
            let layers = ((stage.len() as f64 * depth - 1e-9).ceil() as usize).max(1);
            if let Some(more) = layers.checked_sub(stage.len()) {
                let (last, before) = stage[stage.len() - 1];
                deepened.extend(std::iter::repeat_n((last.with_stride(1), before), more));
            } else {
                deepened.truncate(deepened.len() + layers - stage.len());
            }
        }
        deepened
    }
}

fn is_plain(block: &Block) -> bool {
    matches!(block, Block::Conv(_))
}

fn is_pointwise(block: &Block) -> bool {
    matches!(block, Block::Conv(Conv { kernel: 1, .. }))
}

/// Block with other channels; `in_channels` are those of its input before and after scaling.
fn widened(block: &Block, in_channels: (u32, u32), channels: u32) -> Result<Block, String> {
    let (before, now) = in_channels;
    let ratio = f64::from(now) / f64::from(before);
    let mut values = Values::default();
    for (field, value) in block.piece(before).values().iter() {
        let value = match value {
            // Numbers instead of factors are rounded shares of the input channels; the shares are kept.
            Value::Whole(hidden) if *field == HIDDEN_CHANNELS => {
                Value::Whole(make_divisible(f64::from(hidden) * ratio, DIVISOR))
            }
            Value::Whole(squeeze) if *field == SQUEEZE_CHANNELS => {
                Value::Whole(((f64::from(squeeze) * ratio).round() as u32).max(1))
            }
            other => other,
        };
        values.insert(field, value);
    }
    let context = Context {
        in_channels: now,
        channels,
        stride: block.stride(),
    };
    let entry = Block::entry(block.kind()).ok_or("a block type without an entry")?;
    (entry.read)(&values, context).map_err(|problem| format!("{}; {}", problem.problem, problem.expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reference;

    fn reference(name: &str, width: f64, resolution: u32) -> Architecture {
        Reference::named(name)
            .unwrap()
            .architecture(width, resolution, 1000)
            .unwrap()
    }

    #[test]
    fn every_published_step_of_efficientnet_is_its_reference() {
        for (rule, base) in [("efficientnet", "b0"), ("efficientnet-lite", "lite0")] {
            let rule = ScalingRule::named(rule).unwrap();
            let name = |step: &str| format!("efficientnet-{step}");
            let small = reference(&name(base), 1.0, 224);
            for step in &rule.steps {
                let scaled = rule.scale(&small, step.multipliers).unwrap();
                let expected = reference(&name(&step.name), 1.0, scaled.resolution);
                assert_eq!(scaled.to_string(), expected.to_string(), "{}", step.name);
                assert!(
                    Reference::named(&name(&step.name))
                        .unwrap()
                        .resolutions()
                        .contains(&scaled.resolution)
                );
            }
        }
    }

    #[test]
    fn the_width_rule_gives_the_published_widths() {
        let rule = ScalingRule::named("width").unwrap();
        for name in ["mobilenet-v1", "mobilenet-v2"] {
            let base = reference(name, 1.0, 224);
            for step in &rule.steps {
                let width = step.multipliers.width;
                let scaled = rule.scale(&base, step.multipliers).unwrap();
                assert_eq!(
                    scaled.to_string(),
                    reference(name, width, 224).to_string(),
                    "{name} {width}"
                );
            }
        }
    }

    #[test]
    fn the_resolution_rule_keeps_parameters() {
        let rule = ScalingRule::named("resolution").unwrap();
        let base = reference("mobilenet-v3-large", 1.0, 224);
        let scaled = rule.scale(&base, rule.step("128").unwrap().multipliers).unwrap();
        assert_eq!(scaled, base.clone().with_resolution(128));
        assert_eq!(scaled.cost().params, base.cost().params);
    }

    #[test]
    fn the_compound_coefficient_doubles_multiply_adds() {
        let rule = ScalingRule::named("efficientnet").unwrap();
        let base = reference("efficientnet-b0", 1.0, 224);
        for phi in 1..5 {
            let scaled = rule.scale(&base, rule.at(f64::from(phi)).unwrap()).unwrap();
            let growth = scaled.cost().macs as f64 / base.cost().macs as f64;
            // Rounding depths and channels up increases the growth.
            let expected = 2f64.powi(phi);
            assert!((0.8 * expected..1.7 * expected).contains(&growth), "{phi}: {growth}");
        }
    }

    #[test]
    fn every_rule_can_be_read_and_scales_every_reference_down_and_up() {
        for name in ScalingRule::names() {
            let rule = ScalingRule::named(name).unwrap();
            assert_eq!(rule.name, name);
            for reference in Reference::all() {
                let base = reference
                    .architecture(1.0, reference.native_resolution(), 1000)
                    .unwrap();
                for step in &rule.steps {
                    let scaled = rule.scale(&base, step.multipliers);
                    // Scaled channels need not be a multiple of the groups.
                    if let Err(error) = scaled {
                        assert!(error.to_string().contains("groups"), "{}: {error}", reference.name());
                    }
                }
            }
        }
    }

    #[test]
    fn unknown_names_and_bad_factors_are_refused() {
        let rule = ScalingRule::named("efficientnet").unwrap();
        assert!(rule.step("b9").unwrap_err().to_string().contains("b0, b1"));
        assert!(ScalingRule::named("weigth").unwrap_err().to_string().contains("width"));
        let base = reference("mobilenet-v2", 1.0, 224);
        let factors = Multipliers {
            width: 99.0,
            depth: 1.0,
            resolution: 1.0,
        };
        assert!(
            rule.scale(&base, factors)
                .unwrap_err()
                .to_string()
                .contains("width multiplier 99")
        );
        let text = "name = \"x\"\ndescription = \"\"\npaper = \"\"\nnative-resolution = 224\nstep = [\n{ name = \"a\", width = 0 },\n]";
        let error = ScalingRule::from_toml(text).unwrap_err();
        assert_eq!(error.line, 6, "{error}");
    }
}

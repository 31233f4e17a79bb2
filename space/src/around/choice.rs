//! Choices of a block around a block of the parent.

use crate::block::Block;
use crate::block::field::{
    CHANNELS, Domain, EXPANSION, Field, HIDDEN_CHANNELS, KERNEL, SQUEEZE_CHANNELS, SQUEEZE_EXCITE, SQUEEZE_INPUT,
    START_KERNEL, Value,
};
use crate::block::kind::Context;
use crate::graph::Shape;

/// Largest kernel that is offered where the parent has a smaller one.
const KERNEL_OFFERED: u32 = 5;

/// Squeeze-excite that is offered where the parent has none, as a share of the hidden channels.
const SQUEEZE_OFFERED: f64 = 0.25;

/// TOML tables of the choices around `block`, for its input of `in_channels`.
pub(super) fn tables(block: &Block, in_channels: u32) -> Vec<String> {
    let mut fields: Vec<(&'static str, String)> = vec![("block", format!("\"{}\"", block.kind()))];
    let (mut squeezes, mut width) = (false, None);
    for (field, value) in block.piece(in_channels).values().iter() {
        match (field.code, value) {
            (code, _) if code == CHANNELS.code => {}
            (code, Value::Whole(kernel)) if code == KERNEL.code || code == START_KERNEL.code => {
                fields.push((field.name, numbers(&kernels(block, kernel))));
            }
            (code, Value::Decimal(expansion)) if code == EXPANSION.code => {
                fields.push((field.name, decimals(&expansions(block, expansion))));
            }
            (code, Value::Whole(hidden)) if code == HIDDEN_CHANNELS.code => {
                fields.push(match exact_expansion(block, in_channels, hidden) {
                    Some(expansion) => (EXPANSION.name, decimals(&expansions(block, expansion))),
                    None => (field.name, hidden.to_string()),
                });
            }
            (code, Value::Decimal(ratio)) if code == SQUEEZE_EXCITE.code || code == SQUEEZE_INPUT.code => {
                squeezes = true;
                fields.push((field.name, format!("[0, {ratio:?}]")));
            }
            (code, _) if code == SQUEEZE_CHANNELS.code => {
                squeezes = true;
                width = Some(toml(field, value));
            }
            _ => fields.push((field.name, toml(field, value))),
        }
    }
    let can_squeeze = Block::entry(block.kind()).is_some_and(|entry| entry.fields.contains(&&SQUEEZE_EXCITE));
    if let Some(width) = width {
        // A width in channels has no value for none: the block without squeeze-excite has a table of its own.
        let details = |name: &str| name.starts_with("squeeze-") || name == "gate";
        let without: Vec<_> = fields.iter().filter(|(name, _)| !details(name)).cloned().collect();
        fields.push((SQUEEZE_CHANNELS.name, width));
        return vec![table(&fields), table(&without)];
    }
    if can_squeeze && !squeezes {
        fields.push((SQUEEZE_EXCITE.name, format!("[0, {SQUEEZE_OFFERED:?}]")));
    }
    vec![table(&fields)]
}

fn table(fields: &[(&'static str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{ {} }}", fields.join(", "))
}

fn toml(field: &Field, value: Value) -> String {
    match value {
        Value::Whole(number) => number.to_string(),
        Value::Decimal(number) => format!("{number:?}"),
        Value::Activation(activation) => format!("\"{}\"", activation.name()),
        Value::Gate(gate) => format!("\"{}\"", gate.name()),
        Value::Flag => (field.domain == Domain::Flag { when: true }).to_string(),
    }
}

fn numbers(values: &[u32]) -> String {
    match values {
        [one] => one.to_string(),
        several => super::list(several),
    }
}

fn decimals(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(f64::to_string).collect();
    match values.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// Kernels from 3 to that of the parent, or to [`KERNEL_OFFERED`]. Stems and 1x1 convolutions keep theirs.
fn kernels(block: &Block, own: u32) -> Vec<u32> {
    if own < 3 || matches!(block, Block::Conv(_)) {
        return vec![own];
    }
    (3..=own.max(KERNEL_OFFERED)).step_by(2).collect()
}

/// Expansions of half and two thirds of the parent's, above 1, and the parent's.
fn expansions(block: &Block, own: f64) -> Vec<f64> {
    let is_grouped = matches!(block, Block::InvertedResidual(block) if block.groups > 1);
    // Whole factors of channels that the groups divide are multiples of the groups.
    let step = if is_grouped { 1.0 } else { 2.0 };
    let shares = [own / 2.0, own * 2.0 / 3.0].map(|share| (share * step).round() / step);
    let mut choices: Vec<f64> = shares.into_iter().filter(|&share| share > 1.0 && share < own).collect();
    choices.dedup();
    choices.push(own);
    choices
}

/// Shortest decimal factor that gives the block's hidden channels.
fn exact_expansion(block: &Block, in_channels: u32, hidden: u32) -> Option<f64> {
    let ratio = f64::from(hidden) / f64::from(in_channels.max(1));
    let rounded = |digits: i32| {
        let unit = 10f64.powi(digits);
        (ratio * unit).round() / unit
    };
    let gives = |expansion: &f64| with_expansion(block, in_channels, *expansion).is_some_and(|other| other == *block);
    (1..=3).map(rounded).find(gives)
}

/// The block with its hidden channels given by an expansion.
fn with_expansion(block: &Block, in_channels: u32, expansion: f64) -> Option<Block> {
    let value = EXPANSION.domain.number(expansion)?;
    let mut values = block.piece(in_channels).values().clone();
    values.remove(&CHANNELS);
    values.remove(&HIDDEN_CHANNELS);
    values.remove(&EXPANSION);
    values.insert(&EXPANSION, value);
    let context = Context {
        in_channels,
        channels: block.channels(),
        stride: block.stride(),
    };
    (Block::entry(block.kind())?.read)(&values, context).ok()
}

/// Checks whether a block can have a stride: a universal inverted bottleneck without depthwise convolutions cannot.
pub(super) fn can_stride(block: &Block) -> bool {
    !matches!(block, Block::UniversalInvertedBottleneck(block) if block.start_kernel == 0 && block.kernel == 0)
}

/// Number of which every choice of the block's channels is a multiple, so that groups divide them.
pub(super) fn channel_unit(block: &Block) -> u32 {
    match block {
        Block::InvertedResidual(block) => block.groups,
        _ => 1,
    }
}

/// Checks whether a block continues the stage of the one before it, whose output is `input`.
pub(super) fn continues(before: &Block, block: &Block, input: Shape) -> bool {
    let is_conv = |block: &Block| matches!(block, Block::Conv(_));
    block.stride() == 1 && block.channels() == input.channels && is_conv(before) == is_conv(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_expansions_are_above_one() {
        let block = |text: &str| {
            let text = format!("in32,conv_k3_c16_nre,{text},head_o2");
            text.parse::<crate::Architecture>().unwrap().blocks[1]
        };
        let plain = block("ir_k3_e6_c24_nre");
        assert_eq!(expansions(&plain, 6.0), [3.0, 4.0, 6.0]);
        assert_eq!(expansions(&plain, 2.3), [1.5, 2.3]);
        assert_eq!(expansions(&plain, 1.0), [1.0]);
        assert_eq!(expansions(&block("ir_k3_e3_c24_gr2_nre"), 3.0), [2.0, 3.0]);
        assert_eq!(exact_expansion(&block("ir_h40_k3_c24_nre"), 16, 40), Some(2.5));
        assert_eq!(exact_expansion(&block("ir_h41_k3_c24_nre"), 16, 41), None);
    }

    #[test]
    fn kernels_reach_the_offered_one() {
        let block = "in32,conv_k3_c16_nre,ds_k3_c24_nre,head_o2"
            .parse::<crate::Architecture>()
            .unwrap()
            .blocks[1];
        assert_eq!(kernels(&block, 3), [3, 5]);
        assert_eq!(kernels(&block, 7), [3, 5, 7]);
        assert_eq!(kernels(&block, 1), [1]);
    }
}

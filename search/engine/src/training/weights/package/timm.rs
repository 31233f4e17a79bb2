//! Names of timm's `EfficientNet` and `MobileNetV3` classes.

use mnas_space::{Block, NodeName};

use super::{BlockNames, Place};

/// Hidden layer of the head: a convolution in timm.
pub(super) const HIDDEN: &str = "conv_head";

/// Name of a layer of a block.
pub(super) fn layer(block: &BlockNames, place: Place, name: NodeName) -> String {
    let is_norm = name.leaf == "bn";
    match place {
        Place::Stem => if is_norm { "bn1" } else { "conv_stem" }.to_owned(),
        Place::Last { .. } => if is_norm { "bn2" } else { "conv_head" }.to_owned(),
        Place::Stage { stage, layer, .. } => {
            let part = match &block.block {
                Block::UniversalInvertedBottleneck(_) => universal(name.part, is_norm),
                Block::Conv(_) => if is_norm { "bn1" } else { "conv" }.to_owned(),
                Block::FusedInvertedResidual(_) => fused(name.part, is_norm).to_owned(),
                _ if block.has("expand") => inverted(name.part, is_norm).to_owned(),
                _ => separable(name.part, is_norm).to_owned(),
            };
            format!("blocks.{stage}.{layer}.{part}")
        }
    }
}

/// Name of a layer of the head.
pub(super) fn head(name: NodeName) -> String {
    match (name.part, name.leaf) {
        ("classifier", _) => "classifier",
        (_, "bn") => "norm_head",
        _ => HIDDEN,
    }
    .to_owned()
}

fn universal(part: &str, is_norm: bool) -> String {
    let part = match part {
        "start" => "dw_start",
        "expand" => "pw_exp",
        "depthwise" => "dw_mid",
        _ => "pw_proj",
    };
    format!("{part}.{}", if is_norm { "bn" } else { "conv" })
}

fn fused(part: &str, is_norm: bool) -> &'static str {
    match (part, is_norm) {
        ("expand", false) => "conv_exp",
        ("expand", true) => "bn1",
        ("project", false) => "conv_pwl",
        ("project", true) => "bn2",
        (part, _) => squeeze_excite(part),
    }
}

fn inverted(part: &str, is_norm: bool) -> &'static str {
    match (part, is_norm) {
        ("expand", false) => "conv_pw",
        ("expand", true) => "bn1",
        ("depthwise", false) => "conv_dw",
        ("depthwise", true) => "bn2",
        ("project", false) => "conv_pwl",
        ("project", true) => "bn3",
        (part, _) => squeeze_excite(part),
    }
}

/// Parts of a depthwise separable block, or of an inverted residual without expansion.
fn separable(part: &str, is_norm: bool) -> &'static str {
    match (part, is_norm) {
        ("depthwise", false) => "conv_dw",
        ("depthwise", true) => "bn1",
        ("pointwise" | "project", false) => "conv_pw",
        ("pointwise" | "project", true) => "bn2",
        (part, _) => squeeze_excite(part),
    }
}

fn squeeze_excite(part: &str) -> &'static str {
    if part == "squeeze" {
        "se.conv_reduce"
    } else {
        "se.conv_expand"
    }
}

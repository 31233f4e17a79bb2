//! Names of `PyTorch`'s packages: torchvision, timm, `ProxylessNAS`, Once-for-all and `efficientnet_pytorch`.

use std::collections::BTreeSet;

use super::{Naming, Place};

/// The rules that names accepted by [`place`] follow.
pub(super) fn naming(layers: &BTreeSet<&str>) -> Naming {
    let begins = |part: &str| layers.iter().any(|name| name.split('.').next() == Some(part));
    if begins("first_conv") {
        Naming::Proxyless
    } else if begins("conv_stem") {
        Naming::Timm
    } else {
        Naming::Torchvision
    }
}

/// Place of a layer of torchvision, timm or `ProxylessNAS`; `None` for other names.
pub(super) fn place(name: &str, layers: &BTreeSet<&str>) -> Option<Place> {
    let mut place = Place::new();
    let mut prefix = String::new();
    for part in name.split('.') {
        let rank = match part.parse::<u64>() {
            Ok(number) => (0, number),
            Err(_) if prefix.is_empty() => (of_network(part)?, 0),
            Err(_) => (of_block(part, &prefix, layers)?, 0),
        };
        place.push(rank);
        prefix.push_str(part);
        prefix.push('.');
    }
    Some(place)
}

/// Rank of the first part of a name.
fn of_network(part: &str) -> Option<u32> {
    Some(match part {
        "first_conv" | "conv_stem" | "conv1" => 0,
        "bn1" => 1,
        "features" | "blocks" | "layers" => 2,
        "final_expand_layer" => 3,
        "feature_mix_layer" | "conv_head" | "final_conv" => 4,
        "bn2" | "norm_head" => 5,
        "classifier" | "fc" | "linear" => 6,
        _ => return None,
    })
}

/// Rank of a later part of a name among those that may follow the same `prefix`.
fn of_block(part: &str, prefix: &str, layers: &BTreeSet<&str>) -> Option<u32> {
    // A depthwise separable block of timm has no second pointwise convolution and begins with the depthwise one.
    let has = |part: &str| layers.contains(format!("{prefix}{part}").as_str());
    let (separable, fused) = (!has("conv_pwl"), has("conv_exp"));
    // Parts that never follow the same prefix share a rank: reduce and expand belong to squeeze-excite.
    Some(match (part, separable) {
        (
            "inverted_bottleneck"
            | "conv_exp"
            | "conv"
            | "conv_reduce"
            | "reduce"
            | "fc1"
            | "dw_start"
            | "block"
            | "layers"
            | "mobile_inverted_conv"
            | "mbconv"
            | "linear"
            | "fc",
            _,
        )
        | ("conv_pw", false)
        | ("conv_dw", true) => 0,
        ("bn" | "norm" | "bn1" | "conv_expand" | "expand" | "fc2" | "pw_exp", _) => 1,
        ("depth_conv" | "dw_mid", _) | ("conv_dw", false) => 2,
        ("bn2", false) if !fused => 3,
        ("se", _) => 4,
        ("point_linear" | "conv_pwl" | "pw_proj", _) | ("conv_pw", true) => 5,
        ("bn2" | "bn3" | "layer_scale", _) => 6,
        _ => return None,
    })
}

/// Place of a layer of `efficientnet_pytorch`, whose parts begin with `_`, or of a relative with sequential stem and head.
pub(super) fn underscored_place(name: &str) -> Option<Place> {
    let mut place = Place::new();
    for part in name.split('.') {
        if let Ok(number) = part.parse() {
            place.push((0, number));
            continue;
        }
        let word = part.strip_prefix('_').unwrap_or(part);
        let rank = if place.is_empty() {
            match word {
                "conv_stem" | "stem" => 0,
                "bn0" => 1,
                "blocks" => 2,
                "conv_head" | "head" => 3,
                "bn1" => 4,
                "fc" | "classifier" => 5,
                _ => return None,
            }
        } else {
            match word {
                "expand_conv" => 0,
                "bn0" => 1,
                "depthwise_conv" => 2,
                "bn1" => 3,
                "se_reduce" => 4,
                "se_expand" => 5,
                "project_conv" => 6,
                "bn2" => 7,
                _ => return None,
            }
        };
        place.push((rank, 0));
    }
    Some(place)
}

//! Names of Keras's and TF-Slim's `MobileNets` and `EfficientNets`.

use super::Place;

/// Place of a layer; `None` for other names.
///
/// Keras writes `block_1_expand_BN`, `conv_dw_1`, `expanded_conv_1/squeeze_excite/Conv`, `block2a_dwconv`; TF-Slim
/// `MobilenetV1/Conv2d_1_depthwise/BatchNorm`. The place is `[section, block, part, batch-norm after its convolution]`.
pub(super) fn place(name: &str) -> Option<Place> {
    let mut words = words(name);
    let count = words.len();
    words.retain(|word| !matches!(word.as_str(), "bn" | "batchnorm"));
    let is_norm = words.len() < count;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (section, block, part) = section(&words)?;
    Some(vec![(section, 0), block, (part, 0), (u32::from(is_norm), 0)])
}

/// Words of a name in lower case, without the network's name and without repeated parts of the path.
fn words(name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let mut parts: Vec<&str> = name.split('/').collect();
    if parts.len() > 1
        && ["mobilenet", "efficientnet"]
            .iter()
            .any(|network| parts[0].starts_with(network))
    {
        parts.remove(0);
    }
    parts.dedup();
    let words = parts.iter().flat_map(|part| part.split(['_', '.']));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Section of the network (0 stem, 1 blocks, 2 last convolutions, 3 classifier), block, and part of the block.
fn section(words: &[&str]) -> Option<(u32, (u32, u64), u32)> {
    const NO_BLOCK: (u32, u64) = (0, 0);
    if words
        .iter()
        .any(|word| matches!(*word, "predictions" | "logits" | "preds"))
    {
        return Some((3, NO_BLOCK, 0));
    }
    let number = |word: &str| word.parse::<u64>().ok();
    match words {
        ["conv" | "conv1" | "stem"] | ["stem", "conv"] | ["conv2d", "0"] => Some((0, NO_BLOCK, 0)),
        ["top"] | ["top", "conv"] => Some((2, NO_BLOCK, 0)),
        ["conv", last] if number(last).is_some() => Some((2, (0, number(last)?), 0)),
        ["conv", role @ ("dw" | "pw"), block] | ["conv2d", block, role @ ("depthwise" | "pointwise")] => {
            Some((1, (0, number(block)?), part(&[role])?))
        }
        ["expanded", "conv", block, role @ ..] if number(block).is_some() => {
            Some((1, (0, number(block)?), part(role)?))
        }
        ["expanded", "conv", role @ ..] => Some((1, NO_BLOCK, part(role)?)),
        ["block", block, role @ ..] => Some((1, (0, number(block)?), part(role)?)),
        [block, role @ ..] => {
            // `block2a`: the first layer of the second stage.
            let block = block.strip_prefix("block")?;
            let letter = block.chars().last().filter(char::is_ascii_lowercase)?;
            let stage = block.strip_suffix(letter)?.parse::<u32>().ok()?;
            Some((1, (stage, u64::from(u32::from(letter))), part(role)?))
        }
        [] => None,
    }
}

/// Rank of a part of a block, in order of execution.
fn part(role: &[&str]) -> Option<u32> {
    Some(match role {
        ["expand"] | ["expand", "conv"] => 0,
        // The batch-norm of an EfficientNet's depthwise convolution has no other word.
        ["depthwise" | "dw" | "dwconv"] | [] => 1,
        ["se", "reduce"] | ["squeeze", "excite", "conv"] => 2,
        ["se", "expand"] | ["squeeze", "excite", "conv", "1"] => 3,
        ["project" | "pointwise" | "pw"] | ["project", "conv"] => 4,
        _ => return None,
    })
}

//! Places of layers in a network, read from their names.

use std::collections::BTreeSet;
use std::fmt;

mod pytorch;
mod tensorflow;

/// Place of a layer: parts of its name as rank and number, compared from the first.
pub(super) type Place = Vec<(u32, u64)>;

/// Naming rules of weight files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// This program's.
    Own,
    /// torchvision's: `features.1.conv.0.0`.
    Torchvision,
    /// timm's: `blocks.0.0.conv_dw`.
    Timm,
    /// Those of `ProxylessNAS` and Once-for-all: `blocks.1.mobile_inverted_conv.depth_conv.conv`.
    Proxyless,
    /// Those of the package `efficientnet_pytorch` and its relatives: `_blocks.0._depthwise_conv`.
    EfficientNetPytorch,
    /// Those of Keras and TF-Slim: `block_1_expand/kernel`.
    TensorFlow,
    /// Unknown names: the order of the file.
    Order,
}

impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "this program's names",
            Self::Torchvision => "torchvision's names",
            Self::Timm => "timm's names",
            Self::Proxyless => "ProxylessNAS's names",
            Self::EfficientNetPytorch => "efficientnet_pytorch's names",
            Self::TensorFlow => "Keras's names",
            Self::Order => "the order of the file, since the names follow no known rules",
        })
    }
}

/// The naming rules that most `layers` follow, and the places of all; `None` where only the order of the file is left.
///
/// A layer whose name does not follow them comes last: nothing of the architecture is left for it.
pub(super) fn places(layers: &[&str]) -> (Naming, Option<Vec<Place>>) {
    let layers = without_wrapper(layers);
    let all: BTreeSet<&str> = layers.iter().copied().collect();
    let by =
        |rule: &dyn Fn(&str) -> Option<Place>| -> Vec<Option<Place>> { layers.iter().map(|name| rule(name)).collect() };
    let candidates = [
        (pytorch::naming(&all), by(&|name| pytorch::place(name, &all))),
        (Naming::EfficientNetPytorch, by(&pytorch::underscored_place)),
        (Naming::TensorFlow, by(&tensorflow::place)),
    ];
    // Rules that give two layers the same place are not those of the file.
    let known = |places: &[Option<Place>]| places.iter().flatten().collect::<BTreeSet<_>>().len();
    // Of equals the first.
    let best = candidates.into_iter().rev().max_by_key(|(_, places)| known(places));
    match best {
        Some((naming, places)) if 4 * known(&places) > 3 * layers.len() => {
            let placed = places
                .into_iter()
                .map(|place| place.unwrap_or_else(|| vec![(u32::MAX, 0)]));
            (naming, Some(placed.collect()))
        }
        _ => (Naming::Order, None),
    }
}

/// Names without the first part where all share that of a wrapper, such as `module.` of distributed trainings.
fn without_wrapper<'a>(layers: &[&'a str]) -> Vec<&'a str> {
    const WRAPPERS: [&str; 6] = ["module.", "model.", "net.", "network.", "backbone.", "state_dict."];
    let mut layers = layers.to_vec();
    while let Some(wrapper) = WRAPPERS
        .into_iter()
        .find(|wrapper| !layers.is_empty() && layers.iter().all(|name| name.starts_with(wrapper)))
    {
        for name in &mut layers {
            *name = &name[wrapper.len()..];
        }
    }
    layers
}

//! Names of torchvision's classes.

use mnas_space::{Head, NodeName};

use super::networks::Style;
use super::{BlockNames, Place};

/// Layers of `MNASNet` before its first stack: stem and separable block, each convolution with batch-norm and activation.
const MNASNET_STEM: usize = 8;

/// Name of a layer of a block.
pub(super) fn layer(style: Style, block: &BlockNames, place: Place, name: NodeName) -> String {
    let norm = usize::from(name.leaf == "bn");
    let position = block.position(name.part);
    if style == Style::MnasNet {
        return mnasnet(place, position, norm);
    }
    let block_name = match (place, style) {
        (Place::Stem, _) => return format!("features.0.{norm}"),
        (Place::Last { stages, .. }, Style::EfficientNet) => return format!("features.{}.{norm}", stages + 1),
        (Place::Last { index, .. }, _) => return format!("features.{index}.{norm}"),
        (Place::Stage { stage, layer, .. }, Style::EfficientNet) => format!("features.{}.{layer}", stage + 1),
        (Place::Stage { index, .. }, _) => format!("features.{index}"),
    };
    match (name.part, style) {
        // The last convolution of `MobileNetV3` is a module of its own although timm counts it as a stage.
        ("main", _) => format!("{block_name}.{norm}"),
        ("project", Style::MobileNetV2) => format!("{block_name}.conv.{}", position + norm),
        (_, Style::MobileNetV2) => format!("{block_name}.conv.{position}.{norm}"),
        ("squeeze", _) => format!("{block_name}.block.{position}.fc1"),
        ("excite", _) => format!("{block_name}.block.{position}.fc2"),
        _ => format!("{block_name}.block.{position}.{norm}"),
    }
}

/// Name of a layer of `MNASNet`: one sequence in which convolution, batch-norm and activation are three modules, and a stack is one.
fn mnasnet(place: Place, position: usize, norm: usize) -> String {
    match place {
        Place::Stem => format!("layers.{norm}"),
        Place::Stage { stage: 0, .. } => format!("layers.{}", 3 + 3 * position + norm),
        Place::Stage { stage, layer, .. } => {
            let stack = MNASNET_STEM + stage - 1;
            format!("layers.{stack}.{layer}.layers.{}", 3 * position + norm)
        }
        Place::Last { stages, .. } => format!("layers.{}", MNASNET_STEM + stages - 1 + norm),
    }
}

/// Name of a layer of the head.
pub(super) fn head(head: Head, name: NodeName) -> String {
    match (name.part, head.hidden) {
        // Dropout stands before the matrix.
        ("classifier", None) => "classifier.1",
        // Hidden layer, activation, dropout, matrix.
        ("classifier", Some(_)) => "classifier.3",
        _ => "classifier.0",
    }
    .to_owned()
}

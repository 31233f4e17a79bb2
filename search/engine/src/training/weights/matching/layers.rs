//! Layers of a weight file: tensors grouped by name, sorted by execution, and the order of their values.

use std::collections::BTreeMap;

use mnas_space::{ParameterKind, ParameterSpec};

use super::names::{self, Naming};
use super::{Tensors, is_counter};

/// Tensor of a layer.
pub(super) struct LayerTensor<'a> {
    pub name: &'a str,
    pub shape: &'a [usize],
    /// True if its name is one of TensorFlow's, which stores output channels last.
    pub is_tensorflow: bool,
}

/// Tensors of one layer by the last part of `PyTorch`'s names.
pub(super) struct Layer<'a> {
    pub name: &'a str,
    pub tensors: BTreeMap<&'a str, LayerTensor<'a>>,
}

/// All layers in order of execution, with the naming rules that gave the order.
pub(super) fn in_execution_order<'a>(tensors: &'a Tensors, order: &'a [String]) -> (Naming, Vec<Layer<'a>>) {
    let mut layers: Vec<Layer<'a>> = Vec::new();
    let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
    for name in order.iter().filter(|name| !is_counter(name)) {
        let Some((shape, _)) = tensors.get(name) else { continue };
        let (layer, leaf) = name.rsplit_once(['.', '/']).unwrap_or(("", name));
        let (leaf, is_tensorflow) = canonical(leaf);
        let position = *positions.entry(layer).or_insert_with(|| {
            layers.push(Layer {
                name: layer,
                tensors: BTreeMap::new(),
            });
            layers.len() - 1
        });
        layers[position].tensors.insert(
            leaf,
            LayerTensor {
                name,
                shape,
                is_tensorflow,
            },
        );
    }
    let names: Vec<&str> = layers.iter().map(|layer| layer.name).collect();
    let (naming, places) = names::places(&names);
    if let Some(places) = places {
        let mut placed: Vec<_> = places.into_iter().zip(layers).collect();
        placed.sort_by(|(one, _), (other, _)| one.cmp(other));
        layers = placed.into_iter().map(|(_, layer)| layer).collect();
    }
    (naming, layers)
}

/// The last part of a tensor's name in `PyTorch`'s terms, and true where it was one of TensorFlow's.
fn canonical(leaf: &str) -> (&str, bool) {
    match leaf.split(':').next().unwrap_or(leaf) {
        "kernel" | "weights" | "depthwise_kernel" | "depthwise_weights" => ("weight", true),
        "gamma" => ("weight", false),
        "beta" | "biases" => ("bias", false),
        "moving_mean" => ("running_mean", false),
        "moving_variance" => ("running_var", false),
        leaf => (leaf, false),
    }
}

/// Order of a tensor's values in a file, relative to the architecture's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `[out, in / groups, height, width]` or `[out, in]`, whatever the number of trailing ones.
    Same,
    /// `[height, width, in, out]` or `[in, out]`.
    OutLast,
    /// `[height, width, channels, 1]` of a depthwise convolution.
    Depthwise,
}

impl Layout {
    /// The order in which a tensor of `shape` fits `spec`; the rows of a classifier may differ.
    pub fn of(shape: &[usize], spec: &ParameterSpec, is_tensorflow: bool, is_classifier: bool) -> Option<Self> {
        let layouts = if is_tensorflow && is_matrix(spec) {
            &[Self::OutLast, Self::Depthwise, Self::Same][..]
        } else {
            &[Self::Same][..]
        };
        let fits = |layout: &Self| {
            let Some(found) = layout.shape(shape) else { return false };
            let (found, expected) = (without_ones(&found), without_ones(&spec.shape));
            let skipped = usize::from(is_classifier);
            found.len() == expected.len() && found[skipped..] == expected[skipped..]
        };
        layouts.iter().copied().find(fits)
    }

    /// Number of output channels of a tensor of `shape`.
    pub fn rows(self, shape: &[usize]) -> Option<usize> {
        self.shape(shape)?.first().copied()
    }

    /// The shape in the architecture's order.
    fn shape(self, shape: &[usize]) -> Option<Vec<usize>> {
        match (self, shape) {
            (Self::Same, shape) => Some(shape.to_vec()),
            (Self::OutLast, &[inputs, out]) => Some(vec![out, inputs]),
            (Self::OutLast, &[height, width, inputs, out]) => Some(vec![out, inputs, height, width]),
            (Self::Depthwise, &[height, width, channels, 1]) => Some(vec![channels, 1, height, width]),
            _ => None,
        }
    }

    /// The values in the architecture's order.
    pub fn converted(self, shape: &[usize], values: &[f32]) -> Vec<f32> {
        let (rows, columns) = match (self, shape) {
            (Self::OutLast, [outer @ .., inputs, out]) => {
                // `[area, in, out]` -> `[out, in, area]`.
                let (area, inputs, out) = (outer.iter().product::<usize>(), *inputs, *out);
                let place = |index: usize| {
                    let (channel, rest) = (index / (inputs * area), index % (inputs * area));
                    ((rest % area) * inputs + rest / area) * out + channel
                };
                return (0..values.len()).map(|index| values[place(index)]).collect();
            }
            (Self::Depthwise, &[height, width, channels, _]) => (height * width, channels),
            _ => return values.to_vec(),
        };
        (0..values.len())
            .map(|index| values[(index % rows) * columns + index / rows])
            .collect()
    }
}

fn is_matrix(spec: &ParameterSpec) -> bool {
    matches!(
        spec.kind,
        ParameterKind::ConvolutionWeight | ParameterKind::LinearWeight
    )
}

/// Fully connected layers are 1x1 convolutions to some programs.
fn without_ones(shape: &[usize]) -> &[usize] {
    match shape {
        [rest @ .., 1, 1] if rest.len() == 2 => rest,
        shape => shape,
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn tensorflows_kernels_are_transposed() {
        // [height 1, width 2, in 2, out 3]: value = 100 * width + 10 * in + out.
        let values: Vec<f32> = [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112]
            .map(|value| value as f32)
            .to_vec();
        let expected = [0, 100, 10, 110, 1, 101, 11, 111, 2, 102, 12, 112].map(|value| value as f32);
        assert_eq!(Layout::OutLast.converted(&[1, 2, 2, 3], &values), expected);
        // [in 2, out 3].
        let values = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0];
        assert_eq!(
            Layout::OutLast.converted(&[2, 3], &values),
            [0.0, 10.0, 1.0, 11.0, 2.0, 12.0]
        );
        // [height 1, width 2, channels 3, 1].
        let expected = [0.0, 10.0, 1.0, 11.0, 2.0, 12.0];
        assert_eq!(Layout::Depthwise.converted(&[1, 2, 3, 1], &values), expected);
    }
}

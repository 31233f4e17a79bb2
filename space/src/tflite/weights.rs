//! Weights in the layouts of TFLite, with batch-norm and layer scale folded into them.

use std::borrow::Cow;

use super::fuse::Step;
use crate::graph::{Graph, Node, Op};
use crate::weights::{WeightError, WeightSource, fetch, fold_batch_norm};

/// Weight and bias of an operator.
pub(super) struct Filter<'w> {
    /// Name of the node.
    pub name: String,
    /// Shape of the weight.
    pub shape: Vec<usize>,
    /// Dimension of output channels in the shape.
    pub dimension: usize,
    /// Number of consecutive values of one output channel.
    pub inner: usize,
    pub values: Cow<'w, [f32]>,
    pub bias: Vec<f32>,
}

/// Reads the weight, `[out, in]` as in the source, and bias of a fully connected layer.
pub(super) fn linear<'w>(node: &Node, weights: &'w dyn WeightSource) -> Result<Filter<'w>, WeightError> {
    let mut tensors = fetch(weights, node)?.into_iter();
    let weight = tensors.next().expect("a fully connected layer has a weight");
    let bias = tensors.next().expect("a fully connected layer has a bias");
    Ok(Filter {
        name: node.name.to_string(),
        inner: weight.parameter.shape[1],
        shape: weight.parameter.shape,
        dimension: 0,
        values: weight.values,
        bias: bias.values.into_owned(),
    })
}

/// Reads the weight and bias of a convolution, batch-norm or layer scale.
///
/// The weight has the shape `[1, kernel, kernel, out]` if the operator is depthwise, which includes separate batch-norm and
/// layer scale, and `[out, kernel, kernel, in]` otherwise.
pub(super) fn convolution<'w>(
    step: &Step<'_>,
    graph: &Graph,
    weights: &'w dyn WeightSource,
    is_depthwise: bool,
) -> Result<Filter<'w>, WeightError> {
    let node = step.node;
    let out = node.output.channels as usize;
    let (mut rows, mut bias) = match node.op {
        Op::Convolution { .. } => {
            let mut tensors = fetch(weights, node)?.into_iter();
            let weight = tensors.next().expect("a convolution has a weight");
            (weight.values, tensors.next().map(|bias| bias.values.into_owned()))
        }
        _ => (Cow::Owned(vec![1.0; out]), None),
    };
    let is_batch_norm = matches!(node.op, Op::BatchNorm { .. });
    if let Some(batch_norm) = step.batch_norm.or(is_batch_norm.then_some(node)) {
        let epsilon = graph.batch_norm.epsilon();
        bias = Some(fold_batch_norm(
            weights,
            batch_norm,
            epsilon,
            rows.to_mut(),
            bias.as_deref(),
        )?);
    }
    let mut bias = bias.unwrap_or_else(|| vec![0.0; out]);
    let is_layer_scale = matches!(node.op, Op::LayerScale { .. });
    if let Some(layer_scale) = step.layer_scale.or(is_layer_scale.then_some(node)) {
        for factors in fetch(weights, layer_scale)? {
            scale_rows(rows.to_mut(), &mut bias, &factors.values);
        }
    }
    let kernel = match node.op {
        Op::Convolution { kernel, .. } => kernel as usize,
        _ => 1,
    };
    let area = kernel * kernel;
    let depth = rows.len() / (out * area).max(1);
    // A row of the source is `[in, kernel * kernel]`.
    let (shape, dimension, inner, values) = if is_depthwise {
        let values = (0..area).flat_map(|place| (0..out).map(move |channel| channel * area + place));
        (vec![1, kernel, kernel, out], 3, 1, gather(&rows, values))
    } else if area == 1 || depth == 1 {
        (vec![out, kernel, kernel, depth], 0, area * depth, rows)
    } else {
        let row = move |channel: usize| {
            (0..area).flat_map(move |place| (0..depth).map(move |input| (channel * depth + input) * area + place))
        };
        let values = gather(&rows, (0..out).flat_map(row));
        (vec![out, kernel, kernel, depth], 0, area * depth, values)
    };
    Ok(Filter {
        name: node.name.to_string(),
        shape,
        dimension,
        inner,
        values,
        bias,
    })
}

/// Multiplies each row of a weight, and its bias, by the factor of its channel.
fn scale_rows(rows: &mut [f32], bias: &mut [f32], factors: &[f32]) {
    let length = (rows.len() / factors.len().max(1)).max(1);
    for ((row, bias), factor) in rows.chunks_exact_mut(length).zip(bias).zip(factors) {
        for value in row {
            *value *= factor;
        }
        *bias *= factor;
    }
}

/// Values at the given positions.
fn gather<'w>(values: &[f32], places: impl Iterator<Item = usize>) -> Cow<'w, [f32]> {
    Cow::Owned(places.map(|place| values[place]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tflite::fuse;
    use crate::{BlockKey, ParameterSpec};

    /// Weights that count up from 0 in kernels; batch-norm is the identity plus a shift of 10.
    struct Counting;

    impl WeightSource for Counting {
        fn values(&self, parameter: &ParameterSpec) -> Option<Cow<'_, [f32]>> {
            let values: Vec<f32> = (0..parameter.elements())
                .map(|place| match parameter.name.rsplit_once('.')? {
                    (node, "weight") if node.ends_with("conv") => Some(place as f32),
                    (node, "weight") if node.ends_with("factor") => Some(2.0),
                    (_, "bias") => Some(10.0),
                    (_, "running_mean") => Some(0.0),
                    _ => Some(1.0),
                })
                .collect::<Option<_>>()?;
            Some(Cow::Owned(values))
        }
    }

    fn filter(key: &str, index: usize, is_depthwise: bool) -> Filter<'static> {
        let mut graph = key.parse::<BlockKey>().unwrap().graph();
        graph.batch_norm = crate::BatchNorm::new(1e-9, 0.1).unwrap();
        convolution(&fuse::steps(&graph)[index], &graph, &Counting, is_depthwise).unwrap()
    }

    #[test]
    fn channels_of_the_input_come_last() {
        let filter = filter("conv_k3_c2_nre@3x4x4", 0, false);
        assert_eq!(
            (filter.shape, filter.dimension, filter.inner),
            (vec![2, 3, 3, 3], 0, 27)
        );
        assert_eq!(filter.values[..6], [0.0, 9.0, 18.0, 1.0, 10.0, 19.0]);
        assert_eq!(filter.bias, [10.0; 2]);
    }

    #[test]
    fn channels_of_depthwise_kernels_come_last() {
        let filter = filter("ds_k3_c2_nre@3x4x4", 0, true);
        assert_eq!((filter.shape, filter.dimension, filter.inner), (vec![1, 3, 3, 3], 3, 1));
        assert_eq!(filter.values[..6], [0.0, 9.0, 18.0, 1.0, 10.0, 19.0]);
    }

    #[test]
    fn layer_scale_is_folded_into_weight_and_bias() {
        let filter = filter("uib_k3_e1_c2_nre_ls@2x4x4", 2, false);
        assert_eq!(filter.values[..4], [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(filter.bias, [20.0; 2]);
    }
}

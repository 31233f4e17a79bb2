//! Reading of a node's tensors from a source, with their lengths checked.

use std::borrow::Cow;

use super::error::WeightError;
use super::fold::BatchNormValues;
use super::source::WeightSource;
use crate::graph::Node;
use crate::parameters::ParameterSpec;

/// Tensor of the weights, whose number of values matches its shape.
pub(crate) struct Tensor<'w> {
    pub parameter: ParameterSpec,
    pub values: Cow<'w, [f32]>,
}

/// Reads the tensors of a node.
pub(crate) fn fetch<'w>(weights: &'w dyn WeightSource, node: &Node) -> Result<Vec<Tensor<'w>>, WeightError> {
    node.parameters()
        .map(|parameter| {
            let Some(values) = weights.values(&parameter) else {
                return Err(WeightError::MissingTensor {
                    name: parameter.name,
                    shape: parameter.shape,
                });
            };
            if values.len() == parameter.elements() {
                return Ok(Tensor { parameter, values });
            }
            Err(WeightError::WrongLength {
                name: parameter.name,
                shape: parameter.shape,
                found: values.len(),
            })
        })
        .collect()
}

/// Folds a batch-norm into the rows of the preceding `weight`, `[out, ...]`; returns the bias that replaces `bias`.
pub(crate) fn fold_batch_norm(
    weights: &dyn WeightSource,
    batch_norm: &Node,
    epsilon: f64,
    weight: &mut [f32],
    bias: Option<&[f32]>,
) -> Result<Vec<f32>, WeightError> {
    let statistics = fetch(weights, batch_norm)?;
    let [scale, shift, mean, variance] = statistics.as_slice() else {
        unreachable!("batch-norm has four tensors")
    };
    let constants = BatchNormValues {
        scale: &scale.values,
        shift: &shift.values,
        mean: &mean.values,
        variance: &variance.values,
        epsilon,
    };
    constants.check(&variance.parameter.name)?;
    Ok(constants.fold(weight, bias))
}

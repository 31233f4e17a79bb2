//! Weight files of other programs, matched to an architecture by structure.
//!
//! Such files have other names for the same tensors. Their layers are sorted into the order of execution by the naming rules of
//! torchvision, timm, `ProxylessNAS` and Once-for-all, and matched with the layers of the architecture one by one, each shape checked.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use mnas_space::{Graph, ParameterKind, ParameterSpec};

/// `(shape, values)` by name.
pub(super) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Returns true if this is a counter of `PyTorch`'s batch-norm, which is not used.
pub(super) fn is_counter(name: &str) -> bool {
    name == "num_batches_tracked" || name.ends_with(".num_batches_tracked")
}

/// The tensors under the names of the architecture; the error is the first difference.
pub(super) fn matched(tensors: &Tensors, graph: &Graph) -> Result<Tensors, String> {
    let theirs = layers(tensors);
    let ours: Vec<Vec<ParameterSpec>> = graph
        .nodes
        .iter()
        .map(|node| node.parameters().collect::<Vec<_>>())
        .filter(|parameters| !parameters.is_empty())
        .collect();
    let mut matched = Tensors::new();
    for (layer, specs) in theirs.iter().zip(&ours) {
        for (spec, values) in pair(layer, specs)? {
            matched.insert(spec.name.clone(), (spec.shape.clone(), values.to_vec()));
        }
    }
    if let Some(extra) = theirs.get(ours.len()) {
        return Err(format!(
            "it has {} layers, the architecture {}: nothing is left for `{}`",
            theirs.len(),
            ours.len(),
            extra.name
        ));
    }
    if let Some(lacking) = ours.get(theirs.len()) {
        return Err(format!(
            "it has {} layers, the architecture {}: nothing is left to fill `{}`",
            theirs.len(),
            ours.len(),
            lacking[0].name
        ));
    }
    Ok(matched)
}

/// Shapes and values by the last part of the tensors' names.
type ByLeaf<'a> = BTreeMap<&'a str, (&'a [usize], &'a [f32])>;

/// The tensors of one layer.
struct Layer<'a> {
    name: &'a str,
    tensors: ByLeaf<'a>,
}

/// All layers in order of execution.
fn layers(tensors: &Tensors) -> Vec<Layer<'_>> {
    let mut by_name: BTreeMap<&str, ByLeaf<'_>> = BTreeMap::new();
    for (name, (shape, values)) in tensors.iter().filter(|(name, _)| !is_counter(name)) {
        let (layer, leaf) = name.rsplit_once('.').unwrap_or(("", name));
        by_name.entry(layer).or_default().insert(leaf, (shape, values));
    }
    let names: Vec<&str> = by_name.keys().copied().collect();
    let mut layers: Vec<Layer<'_>> = by_name
        .into_iter()
        .map(|(name, tensors)| Layer { name, tensors })
        .collect();
    layers.sort_by(|one, other| in_execution_order(one.name, other.name, &names));
    layers
}

/// One layer's tensors for the architecture's.
fn pair<'a, 's>(layer: &Layer<'a>, specs: &'s [ParameterSpec]) -> Result<Vec<(&'s ParameterSpec, &'a [f32])>, String> {
    if layer.tensors.len() != specs.len() {
        let list = |names: Vec<&str>| names.join(", ");
        return Err(format!(
            "`{}` ({}) stands where the architecture has `{}` ({})",
            layer.name,
            list(layer.tensors.keys().copied().collect()),
            specs[0].name,
            list(specs.iter().map(|spec| spec.kind.suffix()).collect()),
        ));
    }
    let mut pairs = Vec::new();
    for spec in specs {
        let leaf = spec.kind.suffix();
        let found = layer
            .tensors
            .get(leaf)
            .or_else(|| layer.tensors.get(old_leaf(spec.kind)));
        let Some((shape, values)) = found else {
            return Err(format!("`{}` has no {leaf} for `{}`", layer.name, spec.name));
        };
        if !same_shape(shape, &spec.shape) {
            return Err(format!(
                "tensor `{}.{leaf}` {shape:?} stands where the architecture has `{}` {:?}",
                layer.name, spec.name, spec.shape
            ));
        }
        pairs.push((spec, *values));
    }
    Ok(pairs)
}

/// TensorFlow's names, in files converted from it.
fn old_leaf(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::BatchNormScale | ParameterKind::LayerScale => "gamma",
        ParameterKind::BatchNormShift => "beta",
        ParameterKind::RunningMean => "moving_mean",
        ParameterKind::RunningVariance => "moving_variance",
        ParameterKind::ConvolutionWeight | ParameterKind::LinearWeight => "kernel",
        ParameterKind::Bias => "biases",
    }
}

/// Fully connected layers are 1x1 convolutions to some programs.
fn same_shape(theirs: &[usize], ours: &[usize]) -> bool {
    fn without_ones(shape: &[usize]) -> &[usize] {
        match shape {
            [rest @ .., 1, 1] if rest.len() == 2 => rest,
            shape => shape,
        }
    }
    theirs == ours || without_ones(theirs) == without_ones(ours)
}

/// Compares two layers' names part by part.
fn in_execution_order(one: &str, other: &str, names: &[&str]) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    let mut prefix = String::new();
    loop {
        let (one, other) = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => (one, other),
        };
        if one != other {
            let key = |part: &str| {
                let number = part.parse::<u64>().unwrap_or(u64::MAX);
                (rank(part, &prefix, names), number, part.to_owned())
            };
            return key(one).cmp(&key(other));
        }
        prefix.push_str(one);
        prefix.push('.');
    }
}

/// Rank of a part of a name among those that may follow the same `prefix`; numbers have their own order.
fn rank(part: &str, prefix: &str, names: &[&str]) -> u32 {
    if part.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    if prefix.is_empty() {
        return match part {
            "first_conv" | "conv_stem" | "stem" | "conv1" => 0,
            "bn1" => 1,
            "features" | "blocks" | "layers" => 2,
            "final_expand_layer" => 3,
            "feature_mix_layer" | "conv_head" | "final_conv" => 4,
            "bn2" | "norm_head" => 5,
            _ => 6,
        };
    }
    // A depthwise separable block of timm has no second pointwise convolution and begins with the depthwise one.
    let has = |part: &str| names.iter().any(|name| *name == format!("{prefix}{part}"));
    let (separable, fused) = (!has("conv_pwl"), has("conv_exp"));
    // Parts that never follow the same prefix share a rank: reduce and expand belong to squeeze-excite.
    match (part, separable) {
        ("inverted_bottleneck" | "conv_exp" | "conv" | "conv_reduce" | "reduce", _)
        | ("conv_pw", false)
        | ("conv_dw", true) => 0,
        ("bn" | "norm" | "bn1" | "conv_expand" | "expand", _) => 1,
        ("depth_conv", _) | ("conv_dw", false) => 2,
        ("bn2", false) if !fused => 3,
        ("se", _) => 4,
        ("point_linear" | "conv_pwl", _) | ("conv_pw", true) => 5,
        ("bn2" | "bn3", _) => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests;

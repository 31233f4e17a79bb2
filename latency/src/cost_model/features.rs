//! What the cost model knows about a layer.

use mnas_space::{Activation, Block, BlockKey, Graph, KeyLayer, Op};

/// How many features [`operations`] gives.
const OPERATIONS: usize = 20;

/// Amounts of work by kind, whose weighted sum is a latency.
///
/// Units are millions, so that coefficients are near one another.
pub(super) fn operations(graph: &Graph) -> [f64; OPERATIONS] {
    const MILLION: f64 = 1e6;
    let mut features = [0.0; OPERATIONS];
    let mut add = |feature: usize, amount: f64| features[feature] += amount;
    add(0, 1.0);
    add(
        1,
        (graph.input.elements() + graph.output_shape().elements()) as f64 / MILLION,
    );
    for node in &graph.nodes {
        let elements = node.output.elements() as f64 / MILLION;
        let read = graph.shape(node.inputs.0).elements() as f64 / MILLION;
        match node.op {
            Op::Convolution {
                in_channels,
                out_channels,
                kernel,
                stride,
                groups,
                ..
            } => {
                let weights = f64::from(in_channels / groups) * f64::from(kernel).powi(2) * f64::from(out_channels);
                let macs = weights * f64::from(node.output.height) * f64::from(node.output.width) / MILLION;
                let kind = match (groups > 1, kernel, stride) {
                    (false, 1, _) => 2,
                    (false, _, _) => 3,
                    (true, ..=3, 1) => 4,
                    (true, ..=3, _) => 5,
                    (true, 4.., 1) => 6,
                    (true, 4.., _) => 7,
                };
                add(kind, macs);
                // Channels that do not fill the vector units' blocks take another path.
                let ragged = out_channels % 8 != 0 || (groups == 1 && in_channels % 8 != 0);
                add(8, if ragged { macs } else { 0.0 });
                add(9, weights / MILLION);
                add(10, 0.001);
                add(if groups > 1 { 11 } else { 12 }, read + elements);
            }
            Op::Linear {
                in_features,
                out_features,
            } => {
                add(13, f64::from(in_features) * f64::from(out_features) / MILLION);
                add(10, 0.001);
            }
            Op::BatchNorm { .. } => {}
            Op::Activation(Activation::Relu | Activation::Relu6) => add(14, elements),
            Op::Activation(Activation::HardSwish) => add(15, elements),
            Op::Activation(Activation::Swish) => add(16, elements),
            Op::Gate(_) | Op::Multiply => {
                add(17, elements);
                add(10, 0.001);
            }
            Op::GlobalAveragePool => {
                add(18, read);
                add(10, 0.001);
            }
            Op::Add => add(19, elements),
        }
    }
    features
}

/// The layer's dimensions on scales where equal steps mean about equal changes of efficiency.
pub(super) fn dimensions(key: &BlockKey) -> Vec<f64> {
    let graph = key.graph();
    let log = |value: u32| f64::from(value.max(1)).log2();
    let flag = |flag: bool, weight: f64| if flag { weight } else { 0.0 };
    let input = key.input;
    let (kernel, stride, hidden, squeeze, activation) = match key.layer {
        KeyLayer::Block(Block::Conv(b)) => (b.kernel, b.stride, input.channels, 0, Some(b.activation)),
        KeyLayer::Block(Block::DepthwiseSeparable(b)) => (
            b.kernel,
            b.stride,
            input.channels,
            squeeze_width(&graph),
            Some(b.activation),
        ),
        KeyLayer::Block(Block::InvertedResidual(b)) => (
            b.kernel,
            b.stride,
            b.hidden_channels,
            squeeze_width(&graph),
            Some(b.activation),
        ),
        KeyLayer::Block(Block::Identity(b)) => (1, b.stride, input.channels, 0, None),
        KeyLayer::Head(head) => (1, 1, hidden_features(&graph, head.classes), 0, None),
    };
    let output = graph.output_shape().channels;
    let kind = match key.kind() {
        "conv" => 0,
        "ds" => 1,
        "ir" => 2,
        "id" => 3,
        _ => 4,
    };
    let mut features = vec![
        0.5 * log(input.height * input.width),
        log(input.channels),
        log(hidden),
        log(output),
        1.5 * log(kernel),
        2.0 * log(stride),
        flag(squeeze > 0, 2.0) + 0.3 * log(squeeze),
        flag(!input.channels.is_multiple_of(8), 1.5),
        flag(hidden % 8 != 0, 1.5),
        flag(!output.is_multiple_of(8), 1.5),
        flag(graph.nodes.iter().any(|node| node.op == Op::Add), 1.0),
        flag(hidden == input.channels, 1.0),
    ];
    features.extend((0..5).map(|index| flag(index == kind, 3.0)));
    let activations = [
        Activation::Relu,
        Activation::Relu6,
        Activation::HardSwish,
        Activation::Swish,
    ];
    // Both kinds of rectifier are one operation to most runtimes.
    features.extend(activations.map(|other| {
        let weight = if matches!(other, Activation::Relu | Activation::Relu6) {
            0.3
        } else {
            1.5
        };
        flag(activation == Some(other), weight)
    }));
    features
}

fn squeeze_width(graph: &Graph) -> u32 {
    graph
        .nodes
        .iter()
        .find_map(|node| {
            (node.name.part.starts_with("squeeze") && node.name.leaf == "conv").then_some(node.output.channels)
        })
        .or_else(|| graph.nodes.iter().any(|node| node.op == Op::Multiply).then_some(1))
        .unwrap_or(0)
}

fn hidden_features(graph: &Graph, classes: u32) -> u32 {
    graph
        .nodes
        .iter()
        .find_map(|node| match node.op {
            Op::Linear { out_features, .. } => Some(out_features),
            _ => None,
        })
        .unwrap_or(classes)
}

//! Features of a layer for the cost model.

use mnas_space::{Activation, Block, BlockKey, Graph, Op, Scope};

/// Number of features returned by [`operations`].
const OPERATIONS: usize = 20;

/// Amounts of work by kind, whose weighted sum is a latency.
///
/// The unit is a million, so that the coefficients have similar magnitudes.
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
                let macs = node.macs() as f64 / MILLION;
                let kind = match (groups > 1, kernel, stride) {
                    (false, 1, _) => 2,
                    (false, _, _) => 3,
                    (true, ..=3, 1) => 4,
                    (true, ..=3, _) => 5,
                    (true, 4.., 1) => 6,
                    (true, 4.., _) => 7,
                };
                add(kind, macs);
                // Runtimes use a slower code path for channels that do not fill whole vectors.
                let ragged = out_channels % 8 != 0 || (groups == 1 && in_channels % 8 != 0);
                add(8, if ragged { macs } else { 0.0 });
                add(9, node.op.weights() as f64 / MILLION);
                add(10, 0.001);
                add(if groups > 1 { 11 } else { 12 }, read + elements);
            }
            Op::Linear { .. } => {
                add(13, node.macs() as f64 / MILLION);
                add(10, 0.001);
            }
            Op::BatchNorm { .. } => {}
            Op::Activation(Activation::Relu | Activation::Relu6) => add(14, elements),
            Op::Activation(Activation::HardSwish) => add(15, elements),
            Op::Activation(Activation::Swish) => add(16, elements),
            // Most runtimes make five passes over the data for GELU, and two for swish.
            Op::Activation(Activation::Gelu) => add(16, 2.5 * elements),
            Op::ChannelShuffle { .. } => add(19, 2.0 * elements),
            Op::Gate(_) | Op::Multiply | Op::LayerScale { .. } => {
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

/// Dimensions of a layer, scaled so that equal steps mean roughly equal changes in efficiency.
pub(super) fn dimensions(key: &BlockKey) -> Vec<f64> {
    let graph = key.graph();
    let log = |value: u32| f64::from(value.max(1)).log2();
    let flag = |flag: bool, weight: f64| if flag { weight } else { 0.0 };
    let input = key.input;
    let Dimensions {
        kernel,
        stride,
        hidden,
        squeeze,
        activation,
    } = Dimensions::of(&graph);
    let output = graph.output_shape().channels;
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
    features.extend(Block::kinds().chain(["head"]).map(|kind| flag(kind == key.kind(), 3.0)));
    // ReLU and ReLU6 cost the same in most runtimes.
    features.extend(Activation::ALL.map(|other| {
        let weight = if matches!(other, Activation::Relu | Activation::Relu6) {
            0.3
        } else {
            1.5
        };
        flag(activation == Some(other), weight)
    }));
    features
}

/// Dimensions of a layer, derived from its operations in the same way for every block type.
struct Dimensions {
    /// Largest kernel.
    kernel: u32,
    /// Product of all strides.
    stride: u32,
    /// Input channels of the last convolution, or outputs of the first fully connected layer.
    hidden: u32,
    /// Width of the squeeze-excite; 0 if there is none.
    squeeze: u32,
    /// First activation.
    activation: Option<Activation>,
}

impl Dimensions {
    fn of(graph: &Graph) -> Self {
        let mut dimensions = Self {
            kernel: 1,
            stride: 1,
            hidden: graph.input.channels,
            squeeze: 0,
            activation: None,
        };
        let mut is_connected = false;
        for node in &graph.nodes {
            let in_squeeze = matches!(node.name.part, "squeeze" | "excite");
            match node.op {
                Op::Convolution { out_channels, .. } if node.name.part == "squeeze" => {
                    dimensions.squeeze = out_channels;
                }
                Op::Convolution { .. } if in_squeeze => {}
                Op::Convolution { out_channels, .. } if node.name.scope == Scope::Head => {
                    dimensions.hidden = out_channels;
                    is_connected = true;
                }
                Op::Convolution {
                    in_channels,
                    kernel,
                    stride,
                    ..
                } => {
                    dimensions.kernel = dimensions.kernel.max(kernel);
                    dimensions.stride *= stride;
                    dimensions.hidden = in_channels;
                }
                Op::Linear { out_features, .. } if !is_connected => {
                    dimensions.hidden = out_features;
                    is_connected = true;
                }
                Op::Activation(activation) if !in_squeeze && node.name.scope != Scope::Head => {
                    dimensions.activation = dimensions.activation.or(Some(activation));
                }
                _ => {}
            }
        }
        dimensions
    }
}

//! Python source of a network.

use std::fmt::Write;

use mnas_space::{Activation, Gate, Graph, Node, Op, Scope};

use crate::export::{ExportNetwork, Trained};

/// Definitions before the network.
const HEAD: &str = include_str!("head.py");
/// Definitions after the network.
const TAIL: &str = include_str!("tail.py");

/// Source of the module; it reads the file `weights` beside it.
pub(super) fn source(network: &ExportNetwork, trained: &Trained, weights: &str) -> String {
    let graph = &network.graph;
    let normalization = trained.normalization;
    let channels = |values: Option<[f32; 3]>| values.map_or_else(|| "None".to_owned(), |values| format!("{values:?}"));
    let mut text = format!(
        "\"\"\"Network {} for PyTorch, written by mnas {}.\n\nInput [batch, {}, {}, {}], output [batch, {}]. Architecture:\n{}\n\n\
         The weights are in {weights}. Classes of images: python <this file> IMAGE...\n\"\"\"\n\n",
        network.architecture.id(),
        env!("CARGO_PKG_VERSION"),
        graph.input.channels,
        graph.input.height,
        graph.input.width,
        graph.output_shape().channels,
        network.architecture,
    );
    text += HEAD;
    let constants = [
        ("WEIGHTS", quoted(weights)),
        ("RESOLUTION", graph.input.height.to_string()),
        ("MEAN", channels(normalization.map(|normalization| normalization.mean))),
        ("STD", channels(normalization.map(|normalization| normalization.std))),
        ("CLASSES", names(&trained.classes)),
        ("BATCH_NORM_EPSILON", number(graph.batch_norm.epsilon())),
        ("BATCH_NORM_MOMENTUM", number(graph.batch_norm.momentum())),
    ];
    text.push_str("\n\n");
    for (name, value) in constants {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} = {value}");
    }
    text += &class(graph);
    text += TAIL;
    text
}

/// Number as Python reads it back exactly.
fn number(value: f64) -> String {
    format!("{value:?}")
}

/// Text as a Python literal: JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn names(classes: &[String]) -> String {
    if classes.is_empty() {
        return "[]".to_owned();
    }
    let lines = classes.iter().map(|class| format!("    {},\n", quoted(class)));
    format!("[\n{}]", lines.collect::<String>())
}

/// Class of the network.
fn class(graph: &Graph) -> String {
    let mut text = "\n\nclass Network(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
                    self.blocks = nn.Sequential(\n"
        .to_owned();
    let scopes = scopes(graph);
    let mut next = 0;
    for (scope, nodes) in &scopes {
        match scope {
            Scope::Block(index) => {
                // A block without operations has no nodes.
                for _ in next..*index {
                    text.push_str("            Block(),\n");
                }
                next = index + 1;
                let _ = writeln!(text, "            {},", block(nodes, 12));
            }
            Scope::Head => {
                let _ = writeln!(text, "        )\n        self.head = {}", block(nodes, 8));
            }
        }
    }
    text + "\n    def forward(self, x):\n        return self.head(self.blocks(x))\n"
}

/// Nodes of each block and of the head, in order.
fn scopes(graph: &Graph) -> Vec<(Scope, Vec<&Node>)> {
    let mut scopes: Vec<(Scope, Vec<&Node>)> = Vec::new();
    for node in &graph.nodes {
        match scopes.last_mut() {
            Some((scope, nodes)) if *scope == node.name.scope => nodes.push(node),
            _ => scopes.push((node.name.scope, vec![node])),
        }
    }
    scopes
}

/// Call of `Block` for the nodes of a block, its parts on lines of their own.
fn block(nodes: &[&Node], indent: usize) -> String {
    let mut arguments = Vec::new();
    for part in nodes.chunk_by(|one, other| one.name.part == other.name.part) {
        if matches!(part[0].op, Op::Add) {
            arguments.push("residual=True".to_owned());
        } else {
            arguments.push(format!("{}={}", part[0].name.part, layers(part)));
        }
    }
    if let [only] = &arguments[..] {
        return format!("Block({only})");
    }
    let space = " ".repeat(indent);
    let lines: Vec<String> = arguments.iter().map(|line| format!("{space}    {line},")).collect();
    format!("Block(\n{}\n{space})", lines.join("\n"))
}

/// Layers of a part of a block.
fn layers(nodes: &[&Node]) -> String {
    if let Some(call) = conv_bn(nodes) {
        return call;
    }
    let layers = nodes.iter().filter_map(|node| {
        let layer = layer(node.op)?;
        let flatten = if matches!(node.op, Op::Linear { .. }) {
            "flatten=nn.Flatten(), "
        } else {
            ""
        };
        Some(format!("{flatten}{}={layer}", node.name.leaf))
    });
    format!("part({})", layers.collect::<Vec<_>>().join(", "))
}

/// Call of `conv_bn` where the nodes are a convolution, batch-norm and at most an activation.
fn conv_bn(nodes: &[&Node]) -> Option<String> {
    let (first, activation) = match nodes {
        [first, norm] if matches!(norm.op, Op::BatchNorm { .. }) => (first, None),
        [first, norm, last] if matches!(norm.op, Op::BatchNorm { .. }) => match last.op {
            Op::Activation(activation) => (first, Some(activation)),
            _ => return None,
        },
        _ => return None,
    };
    let Op::Convolution {
        in_channels,
        out_channels,
        kernel,
        stride,
        groups,
        bias: false,
    } = first.op
    else {
        return None;
    };
    let mut call = format!("conv_bn({in_channels}, {out_channels}");
    for (name, value) in [("kernel", kernel), ("stride", stride), ("groups", groups)] {
        if value != 1 {
            let _ = write!(call, ", {name}={value}");
        }
    }
    if let Some(activation) = activation {
        let _ = write!(call, ", act={}", activation_class(activation));
    }
    Some(call + ")")
}

/// Layer of a node, `None` for the sums and products that `Block` computes.
fn layer(op: Op) -> Option<String> {
    Some(match op {
        Op::Convolution {
            in_channels,
            out_channels,
            kernel,
            stride,
            groups,
            bias,
        } => {
            let bias = if bias { "" } else { ", bias=False" };
            format!(
                "nn.Conv2d({in_channels}, {out_channels}, {kernel}, {stride}, {}, groups={groups}{bias})",
                kernel / 2
            )
        }
        Op::BatchNorm { channels } => {
            format!("nn.BatchNorm2d({channels}, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)")
        }
        Op::Activation(activation) => format!("{}()", activation_class(activation)),
        Op::Gate(Gate::HardSigmoid) => "nn.Hardsigmoid()".to_owned(),
        Op::Gate(Gate::Sigmoid) => "nn.Sigmoid()".to_owned(),
        Op::GlobalAveragePool => "nn.AdaptiveAvgPool2d(1)".to_owned(),
        Op::Linear {
            in_features,
            out_features,
        } => format!("nn.Linear({in_features}, {out_features})"),
        Op::LayerScale { channels } => format!("LayerScale({channels})"),
        Op::ChannelShuffle { groups } => format!("nn.ChannelShuffle({groups})"),
        Op::Add | Op::Multiply => return None,
    })
}

fn activation_class(activation: Activation) -> &'static str {
    match activation {
        Activation::Relu => "nn.ReLU",
        Activation::Relu6 => "nn.ReLU6",
        Activation::HardSwish => "nn.Hardswish",
        Activation::Swish => "nn.SiLU",
        Activation::Gelu => "nn.GELU",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_with_every_kind_of_layer_in_full() {
        let text = "in16,conv_k3_s2_c8_nhs,id_c8,ir_k3_e3_c8_se0.25_nre,uib_a5_k3_e4_c8_nge_ls,ir_k3_e2_c8_gr2_nsw,head_f16_nhs_o4";
        let graph = text.parse::<mnas_space::Architecture>().unwrap().graph();
        insta::assert_snapshot!(class(&graph).trim());
    }
}

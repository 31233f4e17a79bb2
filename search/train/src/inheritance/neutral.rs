//! Initial values of parts that the parent does not have, with which they have no effect at first.

use mnas_space::{Gate, Graph, Node, NodeName, Op, Scope};

use super::parent::Inherited;

/// Input of a gate at which it is nearly open and still has a gradient, and the factor that it then gives.
fn open_gate(gate: Gate) -> (f32, f32) {
    match gate {
        Gate::HardSigmoid => (2.5, 5.5 / 6.0),
        Gate::Sigmoid => (4.0, 1.0 / (1.0 + (-4.0f32).exp())),
    }
}

/// Sets the initial values of added parts: an added block with a residual connection has a last batch-norm of scale 0 and computes its
/// input; an added squeeze-excite multiplies all channels by one factor, by which the next convolution is divided; an added layer scale
/// is 1. `is_inherited` tells whether the parent has a node.
pub(super) fn start_without_effect(
    graph: &Graph,
    inherited: &mut Inherited,
    is_inherited: impl Fn(NodeName, &[Option<usize>]) -> bool,
) {
    let blocks = inherited.blocks.clone();
    let has_counterpart = |node: &Node| match node.name.scope {
        Scope::Block(block) => blocks[block as usize].is_some(),
        Scope::Head => true,
    };
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_added_part = has_counterpart(node) && !is_inherited(node.name, &blocks);
        match node.op {
            Op::Add if !has_counterpart(node) => {
                let before = graph.nodes[..index].iter().rfind(|other| other.name.leaf == "bn");
                fill(before, inherited, &[0.0]);
            }
            Op::Gate(gate) if is_added_part => {
                let (input, factor) = open_gate(gate);
                let excite = graph.nodes[..index].iter().rfind(|other| other.name.leaf == "conv");
                fill(excite, inherited, &[0.0, input]);
                let next = graph.nodes[index..].iter().find(|other| other.name.leaf == "conv");
                scale(next, inherited, 1.0 / factor);
            }
            Op::LayerScale { .. } if is_added_part => fill(Some(node), inherited, &[1.0]),
            _ => {}
        }
    }
}

/// Fills the first tensors of a node with these numbers.
fn fill(node: Option<&Node>, inherited: &mut Inherited, numbers: &[f32]) {
    let specs = node.into_iter().flat_map(Node::parameters);
    for (spec, number) in specs.zip(numbers) {
        if let Some((_, values)) = inherited.values.get_mut(&spec.name) {
            values.fill(*number);
        }
    }
}

/// Multiplies the weights of a node by a factor.
fn scale(node: Option<&Node>, inherited: &mut Inherited, factor: f32) {
    if let Some(spec) = node.and_then(|node| node.parameters().next())
        && let Some((_, values)) = inherited.values.get_mut(&spec.name)
    {
        for value in values {
            *value *= factor;
        }
    }
}

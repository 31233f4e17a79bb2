//! Groups of channels that are one: the tensors of a graph that keep the same channels from one operation to the next.
//!
//! A convolution makes new channels; batch-norm, activations and depthwise convolutions keep them; a sum joins those of its operands,
//! so that all blocks of a stage with residual connections share one group. A channel is kept in a whole group or in no tensor of it.

use mnas_space::{Graph, Node, Op, TensorId};

/// Channel groups of a graph.
#[derive(Debug, Clone)]
pub struct ChannelGroups {
    /// Group of every tensor of the graph, the input first.
    of_tensor: Vec<usize>,
    /// Number of channels of every group.
    sizes: Vec<usize>,
}

/// Returns true if each output channel of the operation is computed from the input channel of the same number.
pub(super) fn keeps_channels(op: &Op) -> bool {
    match *op {
        Op::Convolution {
            in_channels,
            out_channels,
            groups,
            ..
        } => groups > 1 && groups == in_channels && groups == out_channels,
        Op::Linear { .. } | Op::ChannelShuffle { .. } => false,
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Gate(_)
        | Op::GlobalAveragePool
        | Op::Add
        | Op::Multiply
        | Op::LayerScale { .. } => true,
    }
}

impl ChannelGroups {
    /// Groups of a graph, numbered in execution order.
    pub fn of(graph: &Graph) -> Self {
        let mut root: Vec<usize> = vec![0];
        for (index, node) in graph.nodes.iter().enumerate() {
            let tensor = index + 1;
            root.push(tensor);
            if keeps_channels(&node.op) {
                for operand in node.operands() {
                    join(&mut root, operand.0 as usize, tensor);
                }
            }
        }
        let mut number = vec![None; root.len()];
        let (mut of_tensor, mut sizes) = (Vec::new(), Vec::new());
        for tensor in 0..root.len() {
            let first = find(&root, tensor);
            let group = *number[first].get_or_insert_with(|| {
                sizes.push(graph.shape(TensorId(tensor as u32)).channels as usize);
                sizes.len() - 1
            });
            of_tensor.push(group);
        }
        Self { of_tensor, sizes }
    }

    /// Number of groups.
    pub fn count(&self) -> usize {
        self.sizes.len()
    }

    /// Channels of a group.
    pub fn size(&self, group: usize) -> usize {
        self.sizes[group]
    }

    /// Group of a node's input: of its first operand.
    pub fn input(&self, node: &Node) -> usize {
        self.of_tensor[node.inputs.0.0 as usize]
    }

    /// Group of the output of the node with this index.
    pub fn output(&self, node: usize) -> usize {
        self.of_tensor[node + 1]
    }
}

fn find(root: &[usize], mut tensor: usize) -> usize {
    while root[tensor] != tensor {
        tensor = root[tensor];
    }
    tensor
}

/// Joins the groups of two tensors; the earlier root stays.
fn join(root: &mut [usize], one: usize, other: usize) {
    let (one, other) = (find(root, one), find(root, other));
    root[one.max(other)] = one.min(other);
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnas_space::Architecture;

    #[test]
    fn a_stage_with_residual_connections_is_one_group() {
        let text = "in32,conv_k3_s2_c16_nre,ir_r3_k3_s2_e6_c24_se0.25_nre,ds_k3_c40_nre,head_o4";
        let graph = text.parse::<Architecture>().unwrap().graph();
        let groups = ChannelGroups::of(&graph);
        let of = |name: &str| {
            let index = graph.nodes.iter().position(|node| node.name.to_string() == name);
            groups.output(index.unwrap_or_else(|| panic!("{name}")))
        };
        let stage = of("blocks.1.project.bn");
        assert_eq!(stage, of("blocks.2.residual.add"));
        assert_eq!(stage, of("blocks.3.project.conv"));
        // The depthwise convolution of a separable block reads the stage's channels.
        assert_eq!(stage, of("blocks.4.depthwise.act"));
        assert_ne!(stage, of("blocks.4.pointwise.conv"));
        assert_eq!(groups.size(stage), 24);
        let hidden = of("blocks.2.expand.conv");
        assert_eq!(hidden, of("blocks.2.depthwise.conv"));
        assert_eq!(hidden, of("blocks.2.excite.mul"));
        assert_ne!(hidden, of("blocks.3.expand.conv"));
        assert_eq!(groups.size(of("blocks.2.squeeze.act")), 40);
        assert_eq!(groups.size(0), 3);
    }
}

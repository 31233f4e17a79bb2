//! Exact costs of a graph.
//!
//! *Multiply-adds* are those of convolutions and linear layers, squeeze-excite included; batch-norm, activations, pooling,
//! additions and multiplications of feature maps count as 0. *Parameters* are the learnt ones, with batch-norm unfolded
//! (a scale and a shift per channel); the number with batch-norm folded into the convolutions is a separate field. *Peak
//! activation memory* is the largest total size of the live feature maps of one image in 32-bit floats, when operations
//! run in order and batch-norm, activations and gates run in place.

use crate::graph::{Graph, Node, Op, TensorId};

/// Bytes of one activation value (32-bit float).
pub const ACTIVATION_BYTES: u64 = 4;

/// Costs of a network or part of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Cost {
    /// Learnt parameters, scales and shifts of batch-norm included.
    pub params: u64,
    /// Learnt parameters of batch-norm.
    pub batch_norm_params: u64,
    /// Parameters of the deployed network, with batch-norm folded to one bias per normalised channel.
    pub folded_params: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Largest total size of the live feature maps of one image, in bytes.
    pub peak_activation_bytes: u64,
}

impl Op {
    /// Shape of the weight: `[out, in / groups, height, width]` for a convolution, `[out, in, 1, 1]` for a fully connected
    /// layer, `None` for other operations.
    pub fn weight_shape(&self) -> Option<[u32; 4]> {
        match *self {
            Self::Convolution {
                in_channels,
                out_channels,
                kernel,
                groups,
                ..
            } => Some([out_channels, in_channels / groups, kernel, kernel]),
            Self::Linear {
                in_features,
                out_features,
            } => Some([out_features, in_features, 1, 1]),
            _ => None,
        }
    }

    /// Number of weights of a convolution or fully connected layer, without biases; 0 for other operations.
    pub fn weights(&self) -> u64 {
        self.weight_shape()
            .map_or(0, |shape| shape.into_iter().map(u64::from).product())
    }

    /// Number of biases of a convolution or fully connected layer; 0 for other operations.
    pub fn biases(&self) -> u64 {
        match *self {
            Self::Convolution {
                out_channels,
                bias: true,
                ..
            } => u64::from(out_channels),
            Self::Linear { out_features, .. } => u64::from(out_features),
            _ => 0,
        }
    }
}

impl Node {
    /// Multiply-adds for one image: one per weight and output position in a convolution, one per weight in a fully
    /// connected layer, 0 for other operations.
    pub fn macs(&self) -> u64 {
        let positions = u64::from(self.output.height) * u64::from(self.output.width);
        self.op.weights().saturating_mul(positions)
    }
}

impl Cost {
    /// Costs of a graph.
    pub fn of(graph: &Graph) -> Self {
        let mut cost = Self::default();
        for node in &graph.nodes {
            cost.add_node(node);
        }
        cost.peak_activation_bytes = peak_activation_bytes(graph);
        cost
    }

    fn add_node(&mut self, node: &Node) {
        match node.op {
            Op::Convolution { .. } | Op::Linear { .. } => {
                let learnt = node.op.weights() + node.op.biases();
                self.params += learnt;
                self.folded_params += learnt;
                self.macs = self.macs.saturating_add(node.macs());
            }
            Op::BatchNorm { channels } => {
                self.params += 2 * u64::from(channels);
                self.batch_norm_params += 2 * u64::from(channels);
                self.folded_params += u64::from(channels);
            }
            Op::LayerScale { channels } => {
                self.params += u64::from(channels);
                self.folded_params += u64::from(channels);
            }
            Op::Activation(_)
            | Op::Gate(_)
            | Op::GlobalAveragePool
            | Op::Add
            | Op::Multiply
            | Op::ChannelShuffle { .. } => {}
        }
    }
}

impl Cost {
    /// Costs of two parts in sequence: the sums, and the larger of the two peaks, since the only feature map that the parts
    /// share is the output of the first.
    #[must_use]
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            params: self.params + next.params,
            batch_norm_params: self.batch_norm_params + next.batch_norm_params,
            folded_params: self.folded_params + next.folded_params,
            macs: self.macs.saturating_add(next.macs),
            peak_activation_bytes: self.peak_activation_bytes.max(next.peak_activation_bytes),
        }
    }
}

fn runs_in_place(op: &Op) -> bool {
    matches!(
        op,
        Op::BatchNorm { .. } | Op::LayerScale { .. } | Op::Activation(_) | Op::Gate(_)
    )
}

/// Largest total size, in bytes, of the feature maps alive while one node runs: its operands, its output and the operands
/// of later nodes.
fn peak_activation_bytes(graph: &Graph) -> u64 {
    // Tensors that share memory because their operation runs in place form one buffer, identified by the first of them.
    let tensors = graph.nodes.len() + 1;
    let mut buffer: Vec<usize> = (0..tensors).collect();
    let mut last_use = vec![0usize; tensors];
    for (index, node) in graph.nodes.iter().enumerate() {
        let output = index + 1;
        if runs_in_place(&node.op) {
            buffer[output] = buffer[node.inputs.0.0 as usize];
        }
        for operand in node.operands() {
            last_use[buffer[operand.0 as usize]] = index;
        }
    }
    last_use[buffer[tensors - 1]] = usize::MAX;
    let bytes = |tensor: usize| graph.shape(TensorId(tensor as u32)).elements() * ACTIVATION_BYTES;
    let mut live = bytes(0);
    let mut peak = live;
    for (index, node) in graph.nodes.iter().enumerate() {
        let output = index + 1;
        if buffer[output] == output {
            live += bytes(output);
            peak = peak.max(live);
        }
        // A buffer is freed after its last reader has run, and this node reads only its operands.
        let mut freed = usize::MAX;
        for operand in node.operands() {
            let first = buffer[operand.0 as usize];
            if last_use[first] == index && first != freed && first != buffer[output] {
                live -= bytes(first);
                freed = first;
            }
        }
    }
    peak
}

#[cfg(test)]
mod tests {
    use crate::Architecture;

    #[test]
    fn peak_memory_of_a_residual_block_counts_the_kept_input() {
        // 8x8 input of 3 channels -> conv to 4 channels -> ir with residual, hidden 8.
        let architecture: Architecture = "in8,conv_k3_c4_nre,ir_k3_e2_c4_nre,head_o2".parse().unwrap();
        // Alive while the depthwise convolution runs: the block's input (4), expansion (8), depthwise output (8).
        assert_eq!(architecture.cost().peak_activation_bytes, (4 + 8 + 8) * 64 * 4);
    }

    #[test]
    fn peak_memory_without_residual_frees_the_input() {
        let architecture: Architecture = "in8,conv_k3_c4_nre,ir_k3_e2_c6_nre,head_o2".parse().unwrap();
        assert_eq!(architecture.cost().peak_activation_bytes, (8 + 8) * 64 * 4);
    }

    #[test]
    fn folding_leaves_one_bias_per_normalised_channel() {
        let cost = "in8,conv_k3_c4_nre,head_o2".parse::<Architecture>().unwrap().cost();
        assert_eq!(cost.params, 3 * 4 * 9 + 8 + 4 * 2 + 2);
        assert_eq!(cost.folded_params, 3 * 4 * 9 + 4 + 4 * 2 + 2);
        assert_eq!(cost.batch_norm_params, 8);
    }
}

//! Architecture ids: hashes of lowered networks.

use std::fmt;

use crate::batch_norm::BatchNorm;
use crate::graph::{Node, Op, Shape, TensorId};
use crate::lowering::OperationSink;

/// Identity of the network that an architecture describes: a hash of its operations, their operands, shapes and
/// attributes, but not their names.
///
/// Architectures that lower to the same operations have the same id, even if their blocks are written differently. An
/// identity block that keeps the shape computes nothing and does not change the id; a universal inverted bottleneck whose
/// only depthwise convolution follows the expansion has the same id as the inverted residual of its sizes. Ids are the
/// same on every machine and in every version of one major release. They are written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArchitectureId(pub u64);

impl fmt::Display for ArchitectureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Tags of operations, the highest byte of the second word. Ids depend on these values: never change or reuse one.
mod tag {
    pub const END: u64 = 0 << 56;
    pub const INPUT: u64 = 1 << 56;
    pub const NORMALISATION: u64 = 2 << 56;
    pub const OPERANDS: u64 = 3 << 56;
    pub const CONVOLUTION: u64 = 4 << 56;
    pub const BATCH_NORM: u64 = 5 << 56;
    pub const ACTIVATION: u64 = 6 << 56;
    pub const GATE: u64 = 7 << 56;
    pub const GLOBAL_AVERAGE_POOL: u64 = 8 << 56;
    pub const LINEAR: u64 = 9 << 56;
    pub const ADD: u64 = 10 << 56;
    pub const MULTIPLY: u64 = 11 << 56;
    pub const LAYER_SCALE: u64 = 12 << 56;
    pub const CHANNEL_SHUFFLE: u64 = 13 << 56;
}

/// Hash of a network's operations, computed during lowering.
///
/// The input's shape and the constants of batch-norm are hashed first. An operation is hashed as two words, its attributes
/// and its tag, after its operands unless the only one is the result of the previous operation. Input channels and output
/// shapes are not hashed, since the input's shape and the attributes determine them.
pub(crate) struct NetworkHash {
    state: u64,
    /// Result of the last operation.
    last: TensorId,
}

impl NetworkHash {
    pub fn new(input: Shape, batch_norm: BatchNorm) -> Self {
        let mut hash = Self {
            state: 0,
            last: TensorId::INPUT,
        };
        hash.mix(pair(input.height, input.width), tag::INPUT | u64::from(input.channels));
        let [epsilon, momentum] = batch_norm.words();
        hash.mix(pair(epsilon, momentum), tag::NORMALISATION);
        hash
    }

    /// Mixes two words into the state: the exclusive or of the halves of a 128-bit product.
    #[inline]
    fn mix(&mut self, attributes: u64, tagged: u64) {
        // Most attributes are 0; the product must not be 0 for them.
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(attributes ^ ODD) * u128::from(tagged ^ self.state);
        self.state = product as u64 ^ (product >> 64) as u64;
    }

    pub fn finish(mut self) -> ArchitectureId {
        self.mix(u64::from(self.last.0), tag::END);
        ArchitectureId(self.state)
    }
}

impl OperationSink for NetworkHash {
    #[inline]
    fn push(&mut self, node: Node) -> TensorId {
        let (first, second) = node.inputs;
        if first != self.last || second.is_some() {
            // 0 stands for no second operand, so its tensors are counted from 1. Networks have far fewer than 2^32
            // tensors; overflow checks here and below would take a quarter of the time.
            self.mix(
                pair(first.0, second.map_or(0, |operand| operand.0.wrapping_add(1))),
                tag::OPERANDS,
            );
        }
        let (attributes, tagged) = encoded(node.op);
        self.mix(attributes, tagged);
        self.last = TensorId(self.last.0.wrapping_add(1));
        self.last
    }
}

/// Attributes and tag of an operation. Kernel and stride, which have two digits at most, are in the second word.
#[inline]
fn encoded(op: Op) -> (u64, u64) {
    match op {
        Op::Convolution {
            in_channels: _,
            out_channels,
            kernel,
            stride,
            groups,
            bias,
        } => {
            let window = u64::from(kernel) | u64::from(stride) << 24 | u64::from(bias) << 48;
            (pair(out_channels, groups), tag::CONVOLUTION | window)
        }
        Op::BatchNorm { channels: _ } => (0, tag::BATCH_NORM),
        Op::Activation(activation) => (activation as u64, tag::ACTIVATION),
        Op::Gate(gate) => (gate as u64, tag::GATE),
        Op::GlobalAveragePool => (0, tag::GLOBAL_AVERAGE_POOL),
        Op::Linear {
            in_features: _,
            out_features,
        } => (u64::from(out_features), tag::LINEAR),
        Op::Add => (0, tag::ADD),
        Op::Multiply => (0, tag::MULTIPLY),
        Op::LayerScale { channels: _ } => (0, tag::LAYER_SCALE),
        Op::ChannelShuffle { groups } => (u64::from(groups), tag::CHANNEL_SHUFFLE),
    }
}

#[inline]
fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

//! Lowered form of a network: a flat list of primitive operations with static shapes and stable names.
//!
//! Costs, the file writers and the libtorch module are all derived from a [`Graph`]. Nodes are in execution order, own no
//! heap memory, and refer to earlier results by [`TensorId`].

use std::fmt;

use crate::activation::{Activation, Gate};
use crate::batch_norm::BatchNorm;

/// Channels, height and width of the feature map of one image, without the batch dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Number of channels.
    pub channels: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Shape {
    /// Square feature map of `size` rows and columns.
    pub const fn square(channels: u32, size: u32) -> Self {
        Self {
            channels,
            height: size,
            width: size,
        }
    }

    /// Number of values: channels times height times width.
    pub fn elements(self) -> u64 {
        u64::from(self.channels) * u64::from(self.height) * u64::from(self.width)
    }

    /// Shape after a convolution to `channels` channels with this stride and symmetric padding of `kernel / 2`.
    ///
    /// Kernels are odd, so a side of `n` becomes `floor((n - 1) / stride) + 1`, whatever the kernel.
    #[must_use]
    pub fn strided(self, stride: u32, channels: u32) -> Self {
        let side = |n: u32| {
            if stride == 1 {
                n.max(1)
            } else {
                n.saturating_sub(1) / stride + 1
            }
        };
        Self {
            channels,
            height: side(self.height),
            width: side(self.width),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// Tensor of a graph: 0 is the input, `n + 1` the output of node `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub u32);

impl TensorId {
    /// Input of the graph.
    pub const INPUT: Self = Self(0);

    /// Index of the node that computes this tensor, `None` for the input.
    pub fn producer(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

/// Primitive operation of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// 2-D convolution with symmetric zero padding of `kernel / 2`.
    Convolution {
        /// Channels of the input.
        in_channels: u32,
        /// Channels of the output.
        out_channels: u32,
        /// Side of the square kernel, odd.
        kernel: u32,
        /// Stride.
        stride: u32,
        /// Number of groups: 1 for a full convolution, `in_channels` for a depthwise one, in between for a grouped one.
        groups: u32,
        /// True if the convolution adds a bias per output channel.
        bias: bool,
    },
    /// Batch normalisation over channels (scale, shift, running mean and variance).
    BatchNorm {
        /// Number of channels.
        channels: u32,
    },
    /// Activation function.
    Activation(Activation),
    /// Squeeze-excite gate.
    Gate(Gate),
    /// Mean over height and width; the output has height and width 1.
    GlobalAveragePool,
    /// Fully connected layer with bias on flattened features.
    Linear {
        /// Length of the input.
        in_features: u32,
        /// Length of the output.
        out_features: u32,
    },
    /// Elementwise sum of two tensors of the same shape.
    Add,
    /// Product of a feature map with one factor per channel.
    Multiply,
    /// Product of a feature map with one learnt factor per channel.
    LayerScale {
        /// Number of channels.
        channels: u32,
    },
    /// Permutation of channels: the channels are written as a matrix with `groups` rows and read column by column
    /// (`ShuffleNet`, arXiv:1707.01083).
    ChannelShuffle {
        /// Number of rows of the matrix.
        groups: u32,
    },
}

/// Part of a network to which a node belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Block with this index (the stem is block 0).
    Block(u16),
    /// Classifier.
    Head,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(index) => write!(f, "blocks.{index}"),
            Self::Head => f.write_str("head"),
        }
    }
}

/// Name of a node, stable and hierarchical, such as `blocks.3.expand.conv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeName {
    /// Block or head.
    pub scope: Scope,
    /// Part of the block: `expand`, `depthwise`, `squeeze`, ...
    pub part: &'static str,
    /// Operation in that part: `conv`, `bn`, `act`, ...
    pub leaf: &'static str,
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.scope, self.part, self.leaf)
    }
}

/// Operation of a [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Name, unique in the graph.
    pub name: NodeName,
    /// Operation with its attributes.
    pub op: Op,
    /// Operands; only `Add` and `Multiply` have a second one.
    pub inputs: (TensorId, Option<TensorId>),
    /// Shape of the result.
    pub output: Shape,
}

impl Node {
    /// Operands in order.
    pub fn operands(&self) -> impl Iterator<Item = TensorId> + use<> {
        std::iter::once(self.inputs.0).chain(self.inputs.1)
    }
}

/// Lowered network or block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Shape of the input image or feature map.
    pub input: Shape,
    /// Constants of every batch-norm.
    pub batch_norm: BatchNorm,
    /// Operations in execution order; the last one computes the output.
    pub nodes: Vec<Node>,
}

impl Graph {
    /// Graph without operations.
    pub fn new(input: Shape) -> Self {
        Self {
            input,
            batch_norm: BatchNorm::default(),
            nodes: Vec::new(),
        }
    }

    /// Shape of a tensor of this graph.
    pub fn shape(&self, tensor: TensorId) -> Shape {
        tensor.producer().map_or(self.input, |node| self.nodes[node].output)
    }

    /// Output of the graph: the output of the last node, or the input if there are no nodes.
    pub fn output(&self) -> TensorId {
        TensorId(self.nodes.len() as u32)
    }

    /// Shape of the output.
    pub fn output_shape(&self) -> Shape {
        self.shape(self.output())
    }
}

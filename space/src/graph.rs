//! The one lowered form of a network: a flat list of primitive operations with static shapes and stable names.
//!
//! Everything that needs to know what a network computes reads a [`Graph`]: costs, the ONNX writer, the libtorch
//! module. Nodes are in execution order, hold no heap memory, and refer to earlier results by [`TensorId`].

use std::fmt;

use crate::activation::{Activation, Gate};
use crate::batch_norm::BatchNorm;

/// Channels, height and width of one image's feature map; the batch dimension is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Feature maps.
    pub channels: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Shape {
    /// A square feature map.
    pub const fn square(channels: u32, size: u32) -> Self {
        Self {
            channels,
            height: size,
            width: size,
        }
    }

    /// Values in one image's feature map.
    pub fn elements(self) -> u64 {
        u64::from(self.channels) * u64::from(self.height) * u64::from(self.width)
    }

    /// The shape after a window with symmetric padding of `kernel / 2` moves by `stride`.
    ///
    /// Kernels are odd, so a side of `n` becomes `(n - 1) / stride + 1`, rounded down, whatever the kernel.
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

/// A value in the graph: 0 is the network's input, `n + 1` the output of node `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub u32);

impl TensorId {
    /// The network's input image.
    pub const INPUT: Self = Self(0);

    /// The node that makes this tensor, `None` for the input.
    pub fn producer(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

/// A primitive operation.
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
        /// Step of the window.
        stride: u32,
        /// 1 for a full convolution, `in_channels` for a depthwise one, in between for a grouped one.
        groups: u32,
        /// Whether a bias per output channel is added.
        bias: bool,
    },
    /// Batch normalisation over channels (scale, shift, running mean and variance).
    BatchNorm {
        /// Channels normalised.
        channels: u32,
    },
    /// A nonlinearity.
    Activation(Activation),
    /// A squeeze-excite gate.
    Gate(Gate),
    /// The mean over height and width; the output keeps a height and width of 1.
    GlobalAveragePool,
    /// A fully connected layer with bias on flattened features.
    Linear {
        /// Length of the input.
        in_features: u32,
        /// Length of the output.
        out_features: u32,
    },
    /// Elementwise sum of two tensors of one shape.
    Add,
    /// Product of a feature map with one factor per channel.
    Multiply,
    /// Product of a feature map with one learnt factor per channel.
    LayerScale {
        /// Channels scaled.
        channels: u32,
    },
    /// Channels seen as a matrix of `groups` rows are read column by column (`ShuffleNet`, arXiv:1707.01083).
    ChannelShuffle {
        /// Rows of the matrix.
        groups: u32,
    },
}

/// Where in the network a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In block number `n` (the stem is block 0).
    Block(u16),
    /// In the classifier.
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

/// A stable, hierarchical name such as `blocks.3.expand.conv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeName {
    /// The block.
    pub scope: Scope,
    /// The part of the block: `expand`, `depthwise`, `squeeze`, ...
    pub part: &'static str,
    /// The operation in that part: `conv`, `bn`, `act`, ...
    pub leaf: &'static str,
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.scope, self.part, self.leaf)
    }
}

/// One operation of a [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Unique in its graph.
    pub name: NodeName,
    /// What is computed.
    pub op: Op,
    /// The operands; only `Add` and `Multiply` have a second one.
    pub inputs: (TensorId, Option<TensorId>),
    /// Shape of the result.
    pub output: Shape,
}

impl Node {
    /// The operands in order.
    pub fn operands(&self) -> impl Iterator<Item = TensorId> + use<> {
        std::iter::once(self.inputs.0).chain(self.inputs.1)
    }
}

/// A lowered network, or one lowered block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Shape of the input image or feature map.
    pub input: Shape,
    /// The constants of every batch-norm.
    pub batch_norm: BatchNorm,
    /// Operations in execution order; the last one makes the output.
    pub nodes: Vec<Node>,
}

impl Graph {
    /// A graph without operations.
    pub fn new(input: Shape) -> Self {
        Self {
            input,
            batch_norm: BatchNorm::default(),
            nodes: Vec::new(),
        }
    }

    /// Shape of any tensor of this graph.
    pub fn shape(&self, tensor: TensorId) -> Shape {
        tensor.producer().map_or(self.input, |node| self.nodes[node].output)
    }

    /// The tensor the graph computes: the last node's, or the input where there are no nodes.
    pub fn output(&self) -> TensorId {
        TensorId(self.nodes.len() as u32)
    }

    /// Shape of the output.
    pub fn output_shape(&self) -> Shape {
        self.shape(self.output())
    }
}

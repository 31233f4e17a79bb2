//! Lowering of blocks and heads to primitive operations.
//!
//! A block type defines its operations once, through the methods of [`Lowering`]. An [`OperationSink`] receives them: a
//! [`Graph`] stores them, and the hash of architecture ids processes them without storing them.

use crate::activation::{Activation, Gate};
use crate::graph::{Graph, Node, NodeName, Op, Scope, Shape, TensorId};

/// Receiver of a network's operations in execution order.
pub(crate) trait OperationSink {
    /// Appends the next operation; returns the tensor that it computes.
    fn push(&mut self, node: Node) -> TensorId;
}

impl OperationSink for Graph {
    fn push(&mut self, node: Node) -> TensorId {
        self.nodes.push(node);
        self.output()
    }
}

/// Tensor of a network during lowering, with its shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand {
    pub id: TensorId,
    pub shape: Shape,
}

impl Operand {
    /// Input of a network or of a block alone.
    #[inline]
    pub fn input(shape: Shape) -> Self {
        Self {
            id: TensorId::INPUT,
            shape,
        }
    }
}

/// Geometry of a convolution; input channels and output shape follow from the operand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvSpec {
    pub out_channels: u32,
    pub kernel: u32,
    pub stride: u32,
    pub groups: u32,
}

impl ConvSpec {
    #[inline]
    pub fn full(out_channels: u32, kernel: u32, stride: u32) -> Self {
        Self {
            out_channels,
            kernel,
            stride,
            groups: 1,
        }
    }

    #[inline]
    pub fn pointwise(out_channels: u32) -> Self {
        Self::full(out_channels, 1, 1)
    }

    #[inline]
    pub fn grouped(self, groups: u32) -> Self {
        Self { groups, ..self }
    }

    #[inline]
    pub fn depthwise(channels: u32, kernel: u32, stride: u32) -> Self {
        Self {
            out_channels: channels,
            kernel,
            stride,
            groups: channels,
        }
    }
}

/// Emitter of the operations of one block or head. Its methods are inlined, so that names and shapes cost nothing if the
/// sink does not read them.
#[derive(Debug)]
pub(crate) struct Lowering<'s, S> {
    sink: &'s mut S,
    scope: Scope,
}

impl<'s, S: OperationSink> Lowering<'s, S> {
    /// Creates an emitter that writes the operations of the block or head `scope` to `sink`.
    #[inline]
    pub fn new(sink: &'s mut S, scope: Scope) -> Self {
        Self { sink, scope }
    }

    /// Emits an operation with one or two operands; returns its result.
    #[inline]
    fn push(
        &mut self,
        part: &'static str,
        leaf: &'static str,
        op: Op,
        (first, second): (Operand, Option<Operand>),
        shape: Shape,
    ) -> Operand {
        let name = NodeName {
            scope: self.scope,
            part,
            leaf,
        };
        let id = self.sink.push(Node {
            name,
            op,
            inputs: (first.id, second.map(|operand| operand.id)),
            output: shape,
        });
        Operand { id, shape }
    }

    #[inline]
    pub fn conv(&mut self, part: &'static str, x: Operand, spec: ConvSpec, bias: bool) -> Operand {
        let ConvSpec {
            out_channels,
            kernel,
            stride,
            groups,
        } = spec;
        let op = Op::Convolution {
            in_channels: x.shape.channels,
            out_channels,
            kernel,
            stride,
            groups,
            bias,
        };
        self.push(part, "conv", op, (x, None), x.shape.strided(stride, out_channels))
    }

    /// Emits a convolution without bias, batch-norm and, if given, an activation.
    #[inline]
    pub fn conv_bn(
        &mut self,
        part: &'static str,
        x: Operand,
        spec: ConvSpec,
        activation: Option<Activation>,
    ) -> Operand {
        let y = self.conv(part, x, spec, false);
        let channels = y.shape.channels;
        let y = self.push(part, "bn", Op::BatchNorm { channels }, (y, None), y.shape);
        activation.map_or(y, |activation| self.activation(part, y, activation))
    }

    #[inline]
    pub fn activation(&mut self, part: &'static str, x: Operand, activation: Activation) -> Operand {
        self.push(part, "act", Op::Activation(activation), (x, None), x.shape)
    }

    #[inline]
    pub fn gate(&mut self, part: &'static str, x: Operand, gate: Gate) -> Operand {
        self.push(part, "gate", Op::Gate(gate), (x, None), x.shape)
    }

    #[inline]
    pub fn pool(&mut self, part: &'static str, x: Operand) -> Operand {
        let output = Shape::square(x.shape.channels, 1);
        self.push(part, "pool", Op::GlobalAveragePool, (x, None), output)
    }

    #[inline]
    pub fn linear(&mut self, part: &'static str, x: Operand, out_features: u32) -> Operand {
        let op = Op::Linear {
            in_features: x.shape.channels,
            out_features,
        };
        self.push(part, "linear", op, (x, None), Shape::square(out_features, 1))
    }

    /// Emits the sum of a block's input `x` and output `y` if `residual` is true and both have the same shape; otherwise
    /// returns `y`.
    #[inline]
    pub fn residual(&mut self, x: Operand, y: Operand, residual: bool) -> Operand {
        if residual && y.shape.channels == x.shape.channels {
            self.push("residual", "add", Op::Add, (y, Some(x)), y.shape)
        } else {
            y
        }
    }

    #[inline]
    pub fn multiply(&mut self, part: &'static str, x: Operand, factors: Operand) -> Operand {
        self.push(part, "mul", Op::Multiply, (x, Some(factors)), x.shape)
    }

    #[inline]
    pub fn layer_scale(&mut self, part: &'static str, x: Operand) -> Operand {
        let channels = x.shape.channels;
        self.push(part, "factor", Op::LayerScale { channels }, (x, None), x.shape)
    }

    #[inline]
    pub fn channel_shuffle(&mut self, part: &'static str, x: Operand, groups: u32) -> Operand {
        self.push(part, "channels", Op::ChannelShuffle { groups }, (x, None), x.shape)
    }
}

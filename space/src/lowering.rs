//! How blocks append their operations to a graph.

use crate::activation::{Activation, Gate};
use crate::graph::{Graph, Node, NodeName, Op, Scope, Shape, TensorId};

/// Appends the operations of one block to a graph; blocks describe themselves through it.
#[derive(Debug)]
pub struct Lowering<'g> {
    graph: &'g mut Graph,
    scope: Scope,
}

/// A convolution's geometry as blocks state it; input channels and shape follow from the operand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvSpec {
    pub out_channels: u32,
    pub kernel: u32,
    pub stride: u32,
    pub groups: u32,
}

impl ConvSpec {
    pub fn full(out_channels: u32, kernel: u32, stride: u32) -> Self {
        Self {
            out_channels,
            kernel,
            stride,
            groups: 1,
        }
    }

    pub fn pointwise(out_channels: u32) -> Self {
        Self::full(out_channels, 1, 1)
    }

    pub fn grouped(self, groups: u32) -> Self {
        Self { groups, ..self }
    }

    pub fn depthwise(channels: u32, kernel: u32, stride: u32) -> Self {
        Self {
            out_channels: channels,
            kernel,
            stride,
            groups: channels,
        }
    }
}

impl<'g> Lowering<'g> {
    /// Lowers into `graph` under `scope`.
    pub fn new(graph: &'g mut Graph, scope: Scope) -> Self {
        Self { graph, scope }
    }

    pub(crate) fn shape(&self, tensor: TensorId) -> Shape {
        self.graph.shape(tensor)
    }

    fn push(
        &mut self,
        part: &'static str,
        leaf: &'static str,
        op: Op,
        inputs: (TensorId, Option<TensorId>),
        output: Shape,
    ) -> TensorId {
        let name = NodeName {
            scope: self.scope,
            part,
            leaf,
        };
        self.graph.nodes.push(Node {
            name,
            op,
            inputs,
            output,
        });
        self.graph.output()
    }

    pub(crate) fn conv(&mut self, part: &'static str, x: TensorId, spec: ConvSpec, bias: bool) -> TensorId {
        let input = self.shape(x);
        let ConvSpec {
            out_channels,
            kernel,
            stride,
            groups,
        } = spec;
        let op = Op::Convolution {
            in_channels: input.channels,
            out_channels,
            kernel,
            stride,
            groups,
            bias,
        };
        self.push(part, "conv", op, (x, None), input.strided(stride, out_channels))
    }

    /// Convolution, batch-norm and, where given, activation: the unit every block is made of.
    pub(crate) fn conv_bn(
        &mut self,
        part: &'static str,
        x: TensorId,
        spec: ConvSpec,
        activation: Option<Activation>,
    ) -> TensorId {
        let y = self.conv(part, x, spec, false);
        let shape = self.shape(y);
        let y = self.push(
            part,
            "bn",
            Op::BatchNorm {
                channels: shape.channels,
            },
            (y, None),
            shape,
        );
        activation.map_or(y, |activation| self.activation(part, y, activation))
    }

    pub(crate) fn activation(&mut self, part: &'static str, x: TensorId, activation: Activation) -> TensorId {
        let shape = self.shape(x);
        self.push(part, "act", Op::Activation(activation), (x, None), shape)
    }

    pub(crate) fn gate(&mut self, part: &'static str, x: TensorId, gate: Gate) -> TensorId {
        let shape = self.shape(x);
        self.push(part, "gate", Op::Gate(gate), (x, None), shape)
    }

    pub(crate) fn pool(&mut self, part: &'static str, x: TensorId) -> TensorId {
        let output = Shape::square(self.shape(x).channels, 1);
        self.push(part, "pool", Op::GlobalAveragePool, (x, None), output)
    }

    pub(crate) fn linear(&mut self, part: &'static str, x: TensorId, out_features: u32) -> TensorId {
        let op = Op::Linear {
            in_features: self.shape(x).channels,
            out_features,
        };
        self.push(part, "linear", op, (x, None), Shape::square(out_features, 1))
    }

    pub(crate) fn add(&mut self, part: &'static str, x: TensorId, y: TensorId) -> TensorId {
        let shape = self.shape(x);
        self.push(part, "add", Op::Add, (x, Some(y)), shape)
    }

    pub(crate) fn multiply(&mut self, part: &'static str, x: TensorId, factors: TensorId) -> TensorId {
        let shape = self.shape(x);
        self.push(part, "mul", Op::Multiply, (x, Some(factors)), shape)
    }

    pub(crate) fn layer_scale(&mut self, part: &'static str, x: TensorId) -> TensorId {
        let shape = self.shape(x);
        let channels = shape.channels;
        self.push(part, "factor", Op::LayerScale { channels }, (x, None), shape)
    }

    pub(crate) fn channel_shuffle(&mut self, part: &'static str, x: TensorId, groups: u32) -> TensorId {
        let shape = self.shape(x);
        self.push(part, "channels", Op::ChannelShuffle { groups }, (x, None), shape)
    }
}

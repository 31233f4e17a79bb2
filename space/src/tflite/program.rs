//! Program of a TFLite file: its operators and the values between them, in 32-bit floats and in the layout
//! `[batch, height, width, channels]`.

use std::borrow::Cow;

use crate::graph::TensorId;
use crate::quantisation::Range;

/// Index of a value in its [`Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValueId(pub usize);

/// Operators in execution order, with the values that they read and compute.
#[derive(Debug, Default)]
pub(super) struct Program<'w> {
    pub values: Vec<Value<'w>>,
    pub operators: Vec<Operator>,
    pub inputs: Vec<ValueId>,
    pub outputs: Vec<ValueId>,
}

/// Input, constant, or result of an operator.
#[derive(Debug)]
pub(super) struct Value<'w> {
    pub name: String,
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    pub content: Content<'w>,
}

/// Content of a value.
#[derive(Debug)]
pub(super) enum Content<'w> {
    /// Computed at run time, with a range of the given origin.
    Activation(Extent),
    /// Computed at run time, in 32-bit floats at every precision of the file.
    Float,
    /// Weight of a convolution or fully connected layer, whose output channel changes every `inner` values.
    Weight {
        values: Cow<'w, [f32]>,
        /// Dimension of the output channels in the shape.
        dimension: usize,
        inner: usize,
    },
    /// Bias of the operator that reads `input` and `weight`.
    Bias {
        values: Vec<f32>,
        input: ValueId,
        weight: ValueId,
    },
    /// Positive number.
    Number(f32),
    /// Attributes that the format stores in a tensor.
    Integers(Vec<i32>),
}

/// Origin of the range of an activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Extent {
    /// Calibrated range of a tensor of the graph.
    Calibrated(TensorId),
    /// Range known from the function that computes the value.
    Known(Range),
    /// Quantisation of another value, which contains the same numbers.
    SameAs(ValueId),
}

/// Application of an operator.
#[derive(Debug)]
pub(super) struct Operator {
    pub kind: OperatorKind,
    pub inputs: Vec<ValueId>,
    pub output: ValueId,
}

/// Operator with its attributes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OperatorKind {
    Convolution {
        padding: Padding,
        stride: u32,
        activation: FusedActivation,
        is_grouped: bool,
    },
    Depthwise {
        padding: Padding,
        stride: u32,
        /// Output channels per input channel.
        multiplier: u32,
        activation: FusedActivation,
    },
    FullyConnected {
        activation: FusedActivation,
    },
    Add {
        activation: FusedActivation,
    },
    Multiply,
    Mean,
    Pad,
    Reshape {
        shape: Vec<i32>,
    },
    Transpose,
    Relu,
    Relu6,
    HardSwish,
    Logistic,
    Gelu,
    Quantise,
    Dequantise,
}

/// Padding of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// Zeros for an output of `input / stride`, rounded up; if their number is odd, the extra one is at the end.
    Same,
    /// No zeros.
    Valid,
}

/// Activation function that is part of another operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FusedActivation {
    None,
    Relu,
    Relu6,
}

impl<'w> Program<'w> {
    /// Adds a value; returns its index.
    pub fn value(&mut self, name: String, shape: Vec<usize>, content: Content<'w>) -> ValueId {
        self.values.push(Value { name, shape, content });
        ValueId(self.values.len() - 1)
    }

    /// Adds an operator; returns its result, an activation of this name and shape.
    pub fn apply(
        &mut self,
        kind: OperatorKind,
        inputs: Vec<ValueId>,
        (name, shape, extent): (String, Vec<usize>, Extent),
    ) -> ValueId {
        let output = self.value(name, shape, Content::Activation(extent));
        self.operator(kind, inputs, output);
        output
    }

    /// Adds an operator that computes `output`.
    pub fn operator(&mut self, kind: OperatorKind, inputs: Vec<ValueId>, output: ValueId) {
        self.operators.push(Operator { kind, inputs, output });
    }

    pub fn shape(&self, value: ValueId) -> &[usize] {
        &self.values[value.0].shape
    }
}

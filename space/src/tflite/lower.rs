//! Lowering of a graph to a program of TFLite operators.

use super::error::TfliteError;
use super::fuse::{self, Step};
use super::options::{INPUT_NAME, Interface, LOGITS_NAME, OUTPUT_NAME, Outputs, Precision, TfliteOptions};
use super::padding;
use super::program::{Content, Extent, FusedActivation, OperatorKind, Program, ValueId};
use super::weights::{self, Filter};
use crate::activation::{Activation, Gate};
use crate::graph::{Graph, Op, Scope, Shape, TensorId};
use crate::quantisation::Range;
use crate::weights::WeightSource;

/// Range of hard-sigmoid.
const UNIT: Range = Range::including_zero(0.0, 1.0);
/// Range of a sigmoid in 8-bit integers, whose scale is fixed to 1/256.
const SIGMOID: Range = Range::including_zero(0.0, 255.0 / 256.0);
const SIX: Range = Range::including_zero(0.0, 6.0);

/// Lowers a graph and its weights to a program.
pub(super) fn lower<'w>(
    graph: &'w Graph,
    weights: &'w dyn WeightSource,
    options: &TfliteOptions,
) -> Result<Program<'w>, TfliteError> {
    let mut lowering = Lowering {
        graph,
        weights,
        is_int8: matches!(options.precision, Precision::Int8 { .. }),
        is_half: options.precision == Precision::Float16,
        has_float_interface: matches!(
            &options.precision,
            Precision::Int8 {
                interface: Interface::Float32,
                ..
            }
        ),
        program: Program::default(),
        values: vec![None; graph.nodes.len() + 1],
        numbers: Vec::new(),
    };
    lowering.input();
    let steps = fuse::steps(graph);
    for step in &steps {
        let output = lowering.step(step)?;
        lowering.values[step.output.0 as usize] = Some(output);
    }
    match options.outputs {
        Outputs::Last => lowering.output(),
        Outputs::Activations => {
            let calibrated = steps.iter().filter(|step| step.is_calibrated());
            lowering.program.outputs = calibrated.map(|step| lowering.operand(step.output)).collect();
        }
    }
    Ok(lowering.program)
}

struct Lowering<'w> {
    graph: &'w Graph,
    weights: &'w dyn WeightSource,
    is_int8: bool,
    is_half: bool,
    /// True if 32-bit floats are converted to 8-bit integers at the input and back at the output.
    has_float_interface: bool,
    program: Program<'w>,
    /// Value of each tensor that has been computed.
    values: Vec<Option<ValueId>>,
    /// Constants that have been added.
    numbers: Vec<(f32, ValueId)>,
}

impl<'w> Lowering<'w> {
    fn input(&mut self) {
        let shape = dimensions(self.graph.input);
        let extent = Extent::Calibrated(TensorId::INPUT);
        let content = if self.has_float_interface {
            Content::Float
        } else {
            Content::Activation(extent)
        };
        let mut value = self.program.value(INPUT_NAME.to_owned(), shape.clone(), content);
        self.program.inputs = vec![value];
        if self.has_float_interface {
            let name = format!("{INPUT_NAME}.quantised");
            value = self
                .program
                .apply(OperatorKind::Quantise, vec![value], (name, shape, extent));
        }
        self.values[0] = Some(value);
    }

    /// Makes the output of the graph the output of the file, with the standard name.
    fn output(&mut self) {
        let mut value = self.operand(self.graph.output());
        if self.graph.nodes.is_empty() {
            value = self.reshape(value, OUTPUT_NAME.to_owned(), dimensions(self.graph.input));
        }
        if self.has_float_interface {
            let shape = self.program.shape(value).to_vec();
            let output = self.program.value(String::new(), shape, Content::Float);
            self.program.operator(OperatorKind::Dequantise, vec![value], output);
            value = output;
        }
        let ends_with_classifier = self
            .graph
            .nodes
            .last()
            .is_some_and(|node| node.name.scope == Scope::Head);
        let name = if ends_with_classifier { LOGITS_NAME } else { OUTPUT_NAME };
        name.clone_into(&mut self.program.values[value.0].name);
        self.program.outputs = vec![value];
    }

    /// Value of a tensor, which earlier steps have computed: nodes are in execution order, and tensors within a step are not
    /// read by other steps.
    fn operand(&self, tensor: TensorId) -> ValueId {
        self.values[tensor.0 as usize].expect("operands are outputs of earlier steps")
    }

    fn step(&mut self, step: &Step<'w>) -> Result<ValueId, TfliteError> {
        let x = self.operand(step.node.inputs.0);
        let second = step.node.inputs.1.map(|tensor| self.operand(tensor));
        let both: Vec<ValueId> = std::iter::once(x).chain(second).collect();
        let activation = step.activation;
        let shape = dimensions(step.last.output);
        let same_shape = self.program.shape(x).to_vec();
        Ok(match step.node.op {
            Op::Convolution { .. } | Op::BatchNorm { .. } | Op::LayerScale { .. } => self.convolution(step, x)?,
            Op::Linear { out_features, .. } => {
                let filter = weights::linear(step.node, self.weights)?;
                let inputs = self.weighted(x, filter);
                let flat = vec![1, out_features as usize];
                self.apply(step, OperatorKind::FullyConnected { activation }, inputs, flat)
            }
            Op::Add => self.apply(step, OperatorKind::Add { activation }, both, same_shape),
            Op::Multiply => self.apply(step, OperatorKind::Multiply, both, same_shape),
            Op::GlobalAveragePool => {
                let axes = self.integers(step, "axes", &[1, 2]);
                self.apply(step, OperatorKind::Mean, vec![x, axes], shape)
            }
            Op::Activation(Activation::Relu) => self.apply(step, OperatorKind::Relu, both, same_shape),
            Op::Activation(Activation::Relu6) => self.apply(step, OperatorKind::Relu6, both, same_shape),
            Op::Activation(Activation::Gelu) => self.apply(step, OperatorKind::Gelu, both, same_shape),
            Op::Activation(Activation::HardSwish) if !self.is_int8 => {
                self.apply(step, OperatorKind::HardSwish, both, same_shape)
            }
            Op::Activation(Activation::HardSwish) => {
                let factor = self.hard_sigmoid(x, &format!("{}.factor", step.node.name));
                self.apply(step, OperatorKind::Multiply, vec![x, factor], same_shape)
            }
            Op::Activation(Activation::Swish) => {
                let factor = self.sigmoid(x, format!("{}.factor", step.node.name));
                self.apply(step, OperatorKind::Multiply, vec![x, factor], same_shape)
            }
            Op::Gate(Gate::HardSigmoid) => self.hard_sigmoid(x, &step.node.name.to_string()),
            Op::Gate(Gate::Sigmoid) => self.sigmoid(x, step.node.name.to_string()),
            Op::ChannelShuffle { groups } => self.channel_shuffle(step, x, groups as usize),
        })
    }

    /// Adds the operator of a step; returns its result.
    fn apply(&mut self, step: &Step<'w>, kind: OperatorKind, inputs: Vec<ValueId>, shape: Vec<usize>) -> ValueId {
        let extent = Extent::Calibrated(step.output);
        self.program
            .apply(kind, inputs, (step.last.name.to_string(), shape, extent))
    }

    /// Adds a convolution; a separate batch-norm or layer scale becomes a depthwise 1x1 convolution.
    fn convolution(&mut self, step: &Step<'w>, x: ValueId) -> Result<ValueId, TfliteError> {
        let activation = step.activation;
        let input = self.graph.shape(step.node.inputs.0);
        let (kernel, stride, groups, out) = match step.node.op {
            Op::Convolution {
                kernel,
                stride,
                groups,
                out_channels,
                ..
            } => (kernel, stride, groups, out_channels),
            _ => (1, 1, input.channels, input.channels),
        };
        let is_depthwise = !matches!(step.node.op, Op::Convolution { .. }) || (groups > 1 && groups == input.channels);
        let filter = weights::convolution(step, self.graph, self.weights, is_depthwise)?;
        let padding::Plan { padding, explicit } = padding::plan(input, kernel, stride);
        let x = if explicit > 0 {
            self.pad(step, x, input, explicit)
        } else {
            x
        };
        let inputs = self.weighted(x, filter);
        let kind = if is_depthwise {
            let multiplier = out / groups;
            OperatorKind::Depthwise {
                padding,
                stride,
                multiplier,
                activation,
            }
        } else {
            let is_grouped = groups > 1;
            OperatorKind::Convolution {
                padding,
                stride,
                activation,
                is_grouped,
            }
        };
        Ok(self.apply(step, kind, inputs, dimensions(step.last.output)))
    }

    /// Adds the constants of a convolution or fully connected layer; returns its operands.
    fn weighted(&mut self, x: ValueId, filter: Filter<'w>) -> Vec<ValueId> {
        let Filter {
            name,
            shape,
            dimension,
            inner,
            values,
            bias,
        } = filter;
        let channels = bias.len();
        let mut weight = self.program.value(
            format!("{name}.weight"),
            shape.clone(),
            Content::Weight {
                values,
                dimension,
                inner,
            },
        );
        let stored = weight;
        if self.is_half {
            let widened = self
                .program
                .value(format!("{name}.weight.float"), shape, Content::Float);
            self.program.operator(OperatorKind::Dequantise, vec![weight], widened);
            weight = widened;
        }
        let content = Content::Bias {
            values: bias,
            input: x,
            weight: stored,
        };
        let bias = self.program.value(format!("{name}.bias"), vec![channels], content);
        vec![x, weight, bias]
    }

    /// Adds zeros on all sides of height and width.
    fn pad(&mut self, step: &Step<'w>, x: ValueId, input: Shape, zeros: usize) -> ValueId {
        let each = zeros as i32;
        let amounts = self.integers(step, "paddings", &[0, 0, each, each, each, each, 0, 0]);
        self.program.values[amounts.0].shape = vec![4, 2];
        let [_, height, width, channels] = dimensions(input)[..] else {
            unreachable!("a feature map has four dimensions")
        };
        let shape = vec![1, height + 2 * zeros, width + 2 * zeros, channels];
        let name = format!("{}.padded", step.node.name);
        self.program
            .apply(OperatorKind::Pad, vec![x, amounts], (name, shape, Extent::SameAs(x)))
    }

    /// Adds relu6(x + 3) / 6, for which TFLite has no operator.
    fn hard_sigmoid(&mut self, x: ValueId, name: &str) -> ValueId {
        let shape = self.program.shape(x).to_vec();
        let [three, sixth] = [3.0, 1.0 / 6.0].map(|number| self.number(number));
        let activation = FusedActivation::Relu6;
        let shifted = (format!("{name}.shifted"), shape.clone(), Extent::Known(SIX));
        let shifted = self
            .program
            .apply(OperatorKind::Add { activation }, vec![x, three], shifted);
        let scaled = (name.to_owned(), shape, Extent::Known(UNIT));
        self.program.apply(OperatorKind::Multiply, vec![shifted, sixth], scaled)
    }

    fn sigmoid(&mut self, x: ValueId, name: String) -> ValueId {
        let shape = self.program.shape(x).to_vec();
        self.program
            .apply(OperatorKind::Logistic, vec![x], (name, shape, Extent::Known(SIGMOID)))
    }

    /// Adds a channel shuffle: the transpose of the matrix of channels with `groups` rows, for all pixels at once.
    fn channel_shuffle(&mut self, step: &Step<'w>, x: ValueId, groups: usize) -> ValueId {
        let name = step.node.name;
        let whole = dimensions(step.node.output);
        let (channels, pixels) = (whole[3], whole[1] * whole[2]);
        let rows = self.reshape(x, format!("{name}.rows"), vec![pixels, groups, channels / groups]);
        let order = self.integers(step, "order", &[0, 2, 1]);
        let columns = (
            format!("{name}.columns"),
            vec![pixels, channels / groups, groups],
            Extent::SameAs(x),
        );
        let columns = self.program.apply(OperatorKind::Transpose, vec![rows, order], columns);
        self.reshape(columns, name.to_string(), whole)
    }

    fn reshape(&mut self, x: ValueId, name: String, shape: Vec<usize>) -> ValueId {
        let sizes: Vec<i32> = shape.iter().map(|&size| size as i32).collect();
        let content = Content::Integers(sizes.clone());
        let sizes_value = self.program.value(format!("{name}.shape"), vec![sizes.len()], content);
        let kind = OperatorKind::Reshape { shape: sizes };
        self.program
            .apply(kind, vec![x, sizes_value], (name, shape, Extent::SameAs(x)))
    }

    fn integers(&mut self, step: &Step<'w>, name: &str, values: &[i32]) -> ValueId {
        let content = Content::Integers(values.to_vec());
        self.program
            .value(format!("{}.{name}", step.node.name), vec![values.len()], content)
    }

    /// Adds a positive constant unless the program already contains it.
    fn number(&mut self, number: f32) -> ValueId {
        if let Some((_, value)) = self
            .numbers
            .iter()
            .find(|(known, _)| known.to_bits() == number.to_bits())
        {
            return *value;
        }
        let value = self
            .program
            .value(format!("number.{number}"), Vec::new(), Content::Number(number));
        self.numbers.push((number, value));
        value
    }
}

/// Sizes of a feature map as `[batch, height, width, channels]`, for one image.
fn dimensions(shape: Shape) -> Vec<usize> {
    vec![1, shape.height as usize, shape.width as usize, shape.channels as usize]
}

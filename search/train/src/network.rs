//! A libtorch module built from a graph.

mod convolution;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use mnas_space::{Activation, Gate, Graph, Node, Op, ParameterKind, ParameterSpec, TensorId};
use tch::{Device, Kind, TchError, Tensor};

use convolution::{Convolution, global_average};

/// A network with its tensors, all in channels-last memory order.
///
/// Tensors are kept in the order of [`Graph::parameters`], never in a hash map, so that everything done to all of them
/// is done in the same order on every run.
#[derive(Debug)]
pub struct Network {
    graph: Graph,
    specs: Vec<ParameterSpec>,
    tensors: Vec<Tensor>,
    /// Position of the first tensor of every node in `tensors`.
    first_tensor: Vec<usize>,
    /// Last node that reads each tensor of the graph.
    last_reader: Vec<usize>,
    /// The last fully connected layer.
    classifier: Option<usize>,
    device: Device,
    /// Type of convolutions and activations in training; weights and sums stay 32-bit floats.
    precision: Kind,
}

/// Settings of a forward pass in training, beside batch-norm's use of the batch's statistics.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TrainingMode {
    /// Dropout at the inputs of the classifier.
    pub dropout: Option<Dropout>,
    /// Momentum of batch-norm's running statistics, in place of the architecture's.
    pub batch_norm_momentum: Option<f64>,
    /// True if all but the classifier is frozen: it has no gradients, and batch-norm uses its running statistics and keeps them.
    pub is_backbone_frozen: bool,
}

/// Random zeroing of inputs; the others are scaled up, so that the expected sum stays the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Probability of each input to be zeroed.
    pub probability: f64,
    /// Seed of the choice.
    pub seed: u64,
}

impl Network {
    /// Builds the module with random weights from `seed`, initialised as torchvision's `MobileNets` are: convolutions
    /// from a normal distribution scaled by their fan-out (He et al., arXiv:1502.01852), fully connected layers from
    /// one with standard deviation 0.01, biases 0, batch-norm the identity.
    pub fn new(graph: Graph, device: Device, seed: u64) -> Result<Self, TchError> {
        let specs: Vec<ParameterSpec> = graph.parameters().collect();
        let values = seeded(seed, || specs.iter().map(initial).collect::<Result<Vec<_>, _>>())?;
        let mut tensors = Vec::with_capacity(specs.len());
        for (spec, values) in specs.iter().zip(&values) {
            let tensor = channels_last(values)?.f_to_device(device)?;
            tensors.push(if spec.kind.is_trained() {
                tensor.f_set_requires_grad(true)?
            } else {
                tensor
            });
        }
        let mut first_tensor = Vec::with_capacity(graph.nodes.len());
        let mut next = 0;
        for node in &graph.nodes {
            first_tensor.push(next);
            next += node.parameters().count();
        }
        let mut last_reader = vec![0; graph.nodes.len() + 1];
        for (index, node) in graph.nodes.iter().enumerate() {
            for operand in node.operands() {
                last_reader[operand.0 as usize] = index;
            }
        }
        let classifier = graph
            .nodes
            .iter()
            .rposition(|node| matches!(node.op, Op::Linear { .. }));
        Ok(Self {
            graph,
            specs,
            tensors,
            first_tensor,
            last_reader,
            classifier,
            device,
            precision: if device.is_cuda() { Kind::BFloat16 } else { Kind::Float },
        })
    }

    /// An independent network with the same weights, for inference: its tensors have no gradients.
    pub fn copy(&self) -> Result<Self, TchError> {
        let copy = |tensor: &Tensor| {
            let value = tensor.f_detach()?;
            let mut copy = value.f_zeros_like()?;
            copy.f_copy_(&value)?;
            Ok(copy)
        };
        Ok(Self {
            graph: self.graph.clone(),
            specs: self.specs.clone(),
            tensors: self.tensors.iter().map(copy).collect::<Result<_, TchError>>()?,
            first_tensor: self.first_tensor.clone(),
            last_reader: self.last_reader.clone(),
            classifier: self.classifier,
            device: self.device,
            precision: self.precision,
        })
    }

    /// Copies all values of a network of the same graph.
    pub(crate) fn copy_from(&self, other: &Self) -> Result<(), TchError> {
        tch::no_grad(|| {
            for (tensor, value) in self.tensors.iter().zip(&other.tensors) {
                tensor.shallow_clone().f_copy_(value)?;
            }
            Ok(())
        })
    }

    /// Device of the network's tensors.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The graph it was built from.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Every tensor with its specification, in the order of [`Graph::parameters`].
    pub fn tensors(&self) -> impl Iterator<Item = (&ParameterSpec, &Tensor)> {
        self.specs.iter().zip(&self.tensors)
    }

    /// Returns true if the tensor `name` belongs to the classifier, the last fully connected layer.
    pub(crate) fn is_of_classifier(&self, name: &str) -> bool {
        let node = self.classifier.map(|index| &self.graph.nodes[index]);
        node.is_some_and(|node| node.parameters().any(|spec| spec.name == name))
    }

    /// Replaces all tensors' values; `values` holds them by name, of the right shapes.
    pub(crate) fn assign(&mut self, values: &BTreeMap<String, Tensor>) -> Result<(), TchError> {
        tch::no_grad(|| {
            for (spec, tensor) in self.specs.iter().zip(&mut self.tensors) {
                if let Some(value) = values.get(&spec.name) {
                    tensor.f_copy_(value)?;
                }
            }
            Ok(())
        })
    }

    /// Scores of `images`, `[batch, 3, height, width]` -> `[batch, classes]`.
    ///
    /// In training mode batch-norm uses the batch's statistics and updates the running ones.
    pub fn forward(&self, images: &Tensor, training: bool) -> Result<Tensor, TchError> {
        let mode = TrainingMode::default();
        self.forward_as(images, training.then_some(&mode))
    }

    /// Scores of `images` as in [`Network::forward`]: in training mode where `mode` is given.
    pub fn forward_as(&self, images: &Tensor, mode: Option<&TrainingMode>) -> Result<Tensor, TchError> {
        self.forward_observed(images, mode, &mut |_, _| Ok(()))
    }

    /// Scores of `images` as in [`Network::forward_as`]; `observe` receives the index of every node with its output as soon as it is
    /// computed. A later node may overwrite the output.
    pub(crate) fn forward_observed(
        &self,
        images: &Tensor,
        mode: Option<&TrainingMode>,
        observe: &mut dyn FnMut(usize, &Tensor) -> Result<(), TchError>,
    ) -> Result<Tensor, TchError> {
        let mut values: Vec<Option<Tensor>> = vec![None];
        values[0] = Some(self.cast(images, mode)?);
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let (x, other) = {
                let mut take = |operand: TensorId| self.operand(&mut values, operand, index);
                let x = take(node.inputs.0);
                (x, node.inputs.1.map(take))
            };
            let output = self.run(index, node, x, other, mode)?;
            observe(index, &output)?;
            values.push(Some(output));
        }
        // The last node's output has no reader and is still there.
        let output = values.pop().flatten().unwrap_or_else(|| images.shallow_clone());
        output.f_to_kind(Kind::Float)
    }

    /// A tensor in the precision of the computation.
    fn cast(&self, tensor: &Tensor, mode: Option<&TrainingMode>) -> Result<Tensor, TchError> {
        match mode {
            Some(_) if tensor.kind() != self.precision => tensor.f_to_kind(self.precision),
            _ => Ok(tensor.shallow_clone()),
        }
    }

    /// Returns true if a sum may overwrite `operand`: neither a later node nor a gradient reads it.
    fn may_overwrite(&self, operand: TensorId, node: usize) -> bool {
        let of_batch_norm = |node: usize| matches!(self.graph.nodes[node].op, Op::BatchNorm { .. });
        self.last_reader[operand.0 as usize] == node && operand.producer().is_some_and(of_batch_norm)
    }

    /// The value of `operand`, moved out where `node` is its last reader, so that its memory can be freed.
    fn operand(&self, values: &mut [Option<Tensor>], operand: TensorId, node: usize) -> Tensor {
        let slot = operand.0 as usize;
        let value = if self.last_reader[slot] == node {
            values[slot].take()
        } else {
            None
        };
        value
            .or_else(|| values[slot].as_ref().map(Tensor::shallow_clone))
            .expect("graphs are in execution order")
    }

    fn run(
        &self,
        index: usize,
        node: &Node,
        mut x: Tensor,
        other: Option<Tensor>,
        mode: Option<&TrainingMode>,
    ) -> Result<Tensor, TchError> {
        let tensors = &self.tensors[self.first_tensor[index]..];
        let is_frozen = mode.is_some_and(|mode| mode.is_backbone_frozen);
        let _guard = (is_frozen && self.classifier != Some(index)).then(tch::no_grad_guard);
        let weight = |offset: usize| self.cast(&tensors[offset], mode);
        // The gradients of these activations need the operand: libtorch would copy it before it is overwritten.
        let keep = mode.is_some();
        match node.op {
            Op::Convolution {
                kernel,
                stride,
                groups,
                bias,
                ..
            } => {
                let bias = bias.then(|| weight(1)).transpose()?;
                let [kernel, stride, groups] = [kernel, stride, groups].map(i64::from);
                Convolution { kernel, stride, groups }.apply(&x, &weight(0)?, bias.as_ref())
            }
            Op::BatchNorm { .. } => {
                let [scale, shift, mean, variance] = [0, 1, 2, 3].map(|offset| Some(&tensors[offset]));
                let momentum = mode.and_then(|mode| mode.batch_norm_momentum);
                x.f_batch_norm(
                    scale,
                    shift,
                    mean,
                    variance,
                    mode.is_some() && !is_frozen,
                    momentum.unwrap_or(self.graph.batch_norm.momentum()),
                    self.graph.batch_norm.epsilon(),
                    true,
                )
            }
            // In place: no other node reads the operand, the output of a convolution, batch-norm or linear layer.
            Op::Activation(Activation::Relu) => x.f_relu_(),
            Op::Activation(Activation::Relu6) if keep => x.f_relu6(),
            Op::Activation(Activation::Relu6) => x.f_relu6_(),
            Op::Activation(Activation::HardSwish) if keep => x.f_hardswish(),
            Op::Activation(Activation::HardSwish) => x.f_hardswish_(),
            Op::Activation(Activation::Swish) if keep => x.f_silu(),
            Op::Activation(Activation::Swish) => x.f_silu_(),
            Op::Activation(Activation::Gelu) => x.f_gelu("none"),
            Op::LayerScale { .. } => x.f_mul(&weight(0)?.f_view([1, -1, 1, 1])?),
            Op::ChannelShuffle { groups } => channels_last(&x.f_channel_shuffle(i64::from(groups))?),
            Op::Gate(Gate::HardSigmoid) => x.f_hardsigmoid(),
            Op::Gate(Gate::Sigmoid) => x.f_sigmoid(),
            Op::GlobalAveragePool => global_average(&x),
            Op::Linear { .. } => {
                let mut x = x.f_flatten(1, -1)?;
                if let Some(dropout) = mode.and_then(|mode| mode.dropout)
                    && self.classifier == Some(index)
                {
                    x = seeded(dropout.seed, || x.f_dropout(dropout.probability, true))?;
                }
                x.f_linear(&weight(0)?, Some(&weight(1)?))
            }
            Op::Add => {
                let other = other.expect("a sum has two operands");
                if self.may_overwrite(node.inputs.0, index) {
                    x.f_add_(&other)
                } else {
                    x.f_add(&other)
                }
            }
            Op::Multiply => x.f_mul(&other.expect("a product has two operands")),
        }
    }
}

/// The tensor in channels-last memory order where it has four dimensions; its shape does not change.
///
/// tch has no memory-format argument; permuting, copying and permuting back has the same effect.
pub fn channels_last(tensor: &Tensor) -> Result<Tensor, TchError> {
    if tensor.dim() != 4 {
        return Ok(tensor.shallow_clone());
    }
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}

/// Runs `draw` with libtorch's random generator set to `seed`.
///
/// The process has one generator: a lock serialises the draws of several threads.
pub fn seeded<T>(seed: u64, draw: impl FnOnce() -> T) -> T {
    static GENERATOR: Mutex<()> = Mutex::new(());
    let _guard = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(seed as i64);
    draw()
}

/// Layer scale starts near 0, so that a block begins as the identity (arXiv:2103.17239, section 2).
const LAYER_SCALE: f64 = 1e-5;

fn initial(spec: &ParameterSpec) -> Result<Tensor, TchError> {
    let shape: Vec<i64> = spec.shape.iter().map(|&size| size as i64).collect();
    let options = (Kind::Float, Device::Cpu);
    match spec.kind {
        ParameterKind::ConvolutionWeight => {
            let fan_out = spec.shape[0] * spec.shape[2] * spec.shape[3];
            Tensor::f_zeros(&shape, options)?.f_normal_(0.0, (2.0 / fan_out as f64).sqrt())
        }
        ParameterKind::LinearWeight => Tensor::f_zeros(&shape, options)?.f_normal_(0.0, 0.01),
        ParameterKind::BatchNormScale | ParameterKind::RunningVariance => Tensor::f_ones(&shape, options),
        ParameterKind::LayerScale => Tensor::f_full(&shape, LAYER_SCALE, options),
        ParameterKind::Bias | ParameterKind::BatchNormShift | ParameterKind::RunningMean => {
            Tensor::f_zeros(&shape, options)
        }
    }
}

#[cfg(test)]
mod exactness;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod onnx;
#[cfg(test)]
mod tests;

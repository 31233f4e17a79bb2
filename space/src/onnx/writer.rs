//! Writer of a graph as the bytes of an ONNX file.

use prost::Message;

use super::error::OnnxError;
use super::options::{Batch, INPUT_NAME, IR_VERSION, LOGITS_NAME, MAX_FILE_BYTES, OPSET, OUTPUT_NAME, OnnxOptions};
use super::proto::{
    AttributeProto, DimensionProto, DimensionSize, FLOAT, GraphProto, INT64, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_kind,
};
use crate::activation::{Activation, Gate};
use crate::graph::{Graph, Node, Op, Scope, Shape, TensorId};
use crate::weights::{Tensor, WeightError, WeightSource, fetch, fold_batch_norm};

/// Names and values of the bounds of `ReLU6`.
const RELU6_BOUNDS: [(&str, f32); 2] = [("relu6.min", 0.0), ("relu6.max", 6.0)];

/// Writes `graph` with `weights` as an ONNX file.
///
/// The input is called [`INPUT_NAME`], the output [`LOGITS_NAME`] if the graph ends with the classifier and
/// [`OUTPUT_NAME`] otherwise; a graph without operations becomes an `Identity`. Weights have the names of
/// [`Graph::parameters`]; a convolution with folded batch-norm has the bias `<node>.bias`.
///
/// Weights that do not fit the graph, weights too large for a file, and an empty batch are errors.
pub fn encode(graph: &Graph, weights: &dyn WeightSource, options: &OnnxOptions) -> Result<Vec<u8>, OnnxError> {
    if options.batch == Batch::Fixed(0) {
        return Err(OnnxError::EmptyBatch);
    }
    let bytes = graph
        .parameters()
        .map(|parameter| 4 * parameter.elements() as u64)
        .sum();
    if bytes > MAX_FILE_BYTES {
        return Err(OnnxError::TooLarge { bytes });
    }
    let mut writer = Writer::new(graph, weights, options);
    writer.write()?;
    Ok(writer.into_model().encode_to_vec())
}

pub(super) struct Writer<'w> {
    graph: &'w Graph,
    weights: &'w dyn WeightSource,
    options: &'w OnnxOptions,
    /// Name of each tensor.
    names: Vec<String>,
    /// True for tensors without height and width, which follow a fully connected layer.
    is_flat: Vec<bool>,
    proto: GraphProto,
}

impl<'w> Writer<'w> {
    fn new(graph: &'w Graph, weights: &'w dyn WeightSource, options: &'w OnnxOptions) -> Self {
        let mut names = vec![INPUT_NAME.to_owned()];
        let mut is_flat = vec![false];
        for node in &graph.nodes {
            names.push(node.name.to_string());
            is_flat.push(matches!(node.op, Op::Linear { .. }) || is_flat[node.inputs.0.0 as usize]);
        }
        if let Some(node) = graph.nodes.last() {
            let name = if node.name.scope == Scope::Head {
                LOGITS_NAME
            } else {
                OUTPUT_NAME
            };
            name.clone_into(&mut names[graph.nodes.len()]);
        }
        let proto = GraphProto {
            name: options.name.clone(),
            ..GraphProto::default()
        };
        Self {
            graph,
            weights,
            options,
            names,
            is_flat,
            proto,
        }
    }

    fn write(&mut self) -> Result<(), OnnxError> {
        self.proto.input = vec![self.value_info(TensorId::INPUT, INPUT_NAME)];
        let nodes = &self.graph.nodes;
        let mut index = 0;
        while let Some(node) = nodes.get(index) {
            let batch_norm = self.foldable_batch_norm(index);
            index += if batch_norm.is_some() { 2 } else { 1 };
            // Node n computes tensor n + 1; a convolution with folded batch-norm computes the batch-norm's tensor.
            let output = TensorId(index as u32);
            self.write_node(node, batch_norm, output)?;
            if index < nodes.len() {
                let info = self.value_info(output, self.name(output));
                self.proto.value_info.push(info);
            }
        }
        let output = self.graph.output();
        if nodes.is_empty() {
            self.push_node(
                "identity",
                "Identity",
                vec![INPUT_NAME.to_owned()],
                OUTPUT_NAME.to_owned(),
                Vec::new(),
            );
            self.proto.output = vec![self.value_info(output, OUTPUT_NAME)];
        } else {
            self.proto.output = vec![self.value_info(output, self.name(output))];
        }
        Ok(())
    }

    /// Batch-norm that can be folded into the convolution `index`: the next node, if nothing else reads the convolution's
    /// output.
    fn foldable_batch_norm(&self, index: usize) -> Option<&'w Node> {
        let (node, next) = (&self.graph.nodes[index], self.graph.nodes.get(index + 1)?);
        let made = TensorId(index as u32 + 1);
        let fits = self.options.fold_batch_norm
            && matches!((node.op, next.op), (Op::Convolution { .. }, Op::BatchNorm { .. }))
            && next.inputs.0 == made
            && !self.graph.nodes[index + 2..]
                .iter()
                .any(|later| later.operands().any(|operand| operand == made));
        fits.then_some(next)
    }

    fn write_node(&mut self, node: &Node, batch_norm: Option<&Node>, output: TensorId) -> Result<(), OnnxError> {
        let name = node.name.to_string();
        let mut operands: Vec<String> = node.operands().map(|operand| self.name(operand).to_owned()).collect();
        let result = self.name(output).to_owned();
        let (op_type, attributes) = match node.op {
            Op::Convolution {
                kernel, stride, groups, ..
            } => {
                operands.extend(self.convolution_weights(node, batch_norm)?);
                ("Conv", convolution_attributes(kernel, stride, groups))
            }
            Op::BatchNorm { .. } => {
                operands.extend(self.plain_weights(node)?);
                (
                    "BatchNormalization",
                    vec![float_attribute("epsilon", self.graph.batch_norm.epsilon() as f32)],
                )
            }
            Op::Linear { .. } => {
                if !self.is_flat[node.inputs.0.0 as usize] {
                    let flat = format!("{name}.flatten");
                    self.push_node(&flat, "Flatten", operands, flat.clone(), vec![int_attribute("axis", 1)]);
                    operands = vec![flat];
                }
                operands.extend(self.plain_weights(node)?);
                ("Gemm", vec![int_attribute("transB", 1)])
            }
            Op::Activation(Activation::Relu) => ("Relu", Vec::new()),
            Op::Activation(Activation::Relu6) => {
                operands.extend(RELU6_BOUNDS.map(|(name, bound)| self.constant(name, bound)));
                ("Clip", Vec::new())
            }
            Op::Activation(Activation::HardSwish) => ("HardSwish", Vec::new()),
            Op::Activation(Activation::Swish) => {
                operands.push(self.swish_factor(&name, &operands[0]));
                ("Mul", Vec::new())
            }
            Op::Activation(Activation::Gelu) => {
                operands.push(self.gelu_factor(&name, &operands[0]));
                ("Mul", Vec::new())
            }
            Op::LayerScale { .. } => {
                operands.extend(self.channel_factors(node)?);
                ("Mul", Vec::new())
            }
            Op::ChannelShuffle { groups } => {
                operands = self.shuffled(&name, &operands[0], groups, node.output);
                ("Reshape", Vec::new())
            }
            Op::Gate(Gate::HardSigmoid) => (
                "HardSigmoid",
                vec![float_attribute("alpha", 1.0 / 6.0), float_attribute("beta", 0.5)],
            ),
            Op::Gate(Gate::Sigmoid) => ("Sigmoid", Vec::new()),
            Op::GlobalAveragePool => ("GlobalAveragePool", Vec::new()),
            Op::Add => ("Add", Vec::new()),
            Op::Multiply => ("Mul", Vec::new()),
        };
        self.push_node(&name, op_type, operands, result, attributes);
        Ok(())
    }

    /// Adds the tensors of a convolution, with `batch_norm`, if any, folded into them; returns their names.
    fn convolution_weights(&mut self, node: &Node, batch_norm: Option<&Node>) -> Result<Vec<String>, OnnxError> {
        let Some(batch_norm) = batch_norm else {
            return self.plain_weights(node);
        };
        let mut tensors = self.fetch_all(node)?.into_iter();
        let Tensor { parameter, values } = tensors.next().expect("a convolution has a weight");
        let bias = tensors.next().map(|bias| bias.values);
        let epsilon = self.graph.batch_norm.epsilon();
        let mut weight = values.into_owned();
        let folded = fold_batch_norm(self.weights, batch_norm, epsilon, &mut weight, bias.as_deref())?;
        let bias_name = format!("{}.bias", node.name);
        self.push_tensor(&parameter.name, &parameter.shape, &weight);
        self.push_tensor(&bias_name, &[folded.len()], &folded);
        Ok(vec![parameter.name, bias_name])
    }

    /// Adds the tensors of a node unchanged; returns their names.
    fn plain_weights(&mut self, node: &Node) -> Result<Vec<String>, OnnxError> {
        let tensors = self.fetch_all(node)?;
        let mut names = Vec::with_capacity(tensors.len());
        for Tensor { parameter, values } in tensors {
            self.push_tensor(&parameter.name, &parameter.shape, &values);
            names.push(parameter.name);
        }
        Ok(names)
    }

    /// Reads the tensors of a node.
    pub(super) fn fetch_all(&self, node: &Node) -> Result<Vec<Tensor<'w>>, WeightError> {
        fetch(self.weights, node)
    }

    /// Adds a constant unless the file already contains it; returns its name.
    pub(super) fn constant(&mut self, name: &str, value: f32) -> String {
        if !self.proto.initializer.iter().any(|tensor| tensor.name == name) {
            self.push_tensor(name, &[], &[value]);
        }
        name.to_owned()
    }

    /// Adds a constant of whole numbers; returns its name.
    pub(super) fn whole_numbers(&mut self, name: String, values: &[i64]) -> String {
        self.proto.initializer.push(TensorProto {
            dims: vec![values.len() as i64],
            data_type: INT64,
            name: name.clone(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name
    }

    pub(super) fn push_tensor(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let mut raw_data = vec![0; 4 * values.len()];
        for (bytes, value) in raw_data.chunks_exact_mut(4).zip(values) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
        let dims = shape.iter().map(|&size| size as i64).collect();
        self.proto.initializer.push(TensorProto {
            dims,
            data_type: FLOAT,
            name: name.to_owned(),
            raw_data,
        });
    }

    pub(super) fn push_node(
        &mut self,
        name: &str,
        op_type: &str,
        input: Vec<String>,
        output: String,
        attribute: Vec<AttributeProto>,
    ) {
        let (name, op_type) = (name.to_owned(), op_type.to_owned());
        self.proto.node.push(NodeProto {
            input,
            output: vec![output],
            name,
            op_type,
            attribute,
        });
    }

    fn name(&self, tensor: TensorId) -> &str {
        &self.names[tensor.0 as usize]
    }

    fn value_info(&self, tensor: TensorId, name: &str) -> ValueInfoProto {
        let batch = match self.options.batch {
            Batch::Fixed(images) => DimensionSize::Value(i64::from(images)),
            Batch::Dynamic => DimensionSize::Parameter("batch".to_owned()),
        };
        let Shape {
            channels,
            height,
            width,
        } = self.graph.shape(tensor);
        let all = [channels, height, width];
        let sizes = if self.is_flat[tensor.0 as usize] {
            &all[..1]
        } else {
            &all[..]
        };
        let dim = std::iter::once(batch)
            .chain(sizes.iter().map(|size| DimensionSize::Value(i64::from(*size))))
            .map(|size| DimensionProto { size: Some(size) })
            .collect();
        let tensor_type = TensorTypeProto {
            elem_type: FLOAT,
            shape: Some(TensorShapeProto { dim }),
        };
        ValueInfoProto {
            name: name.to_owned(),
            value_type: Some(TypeProto {
                tensor_type: Some(tensor_type),
            }),
        }
    }

    fn into_model(self) -> ModelProto {
        let metadata = self.options.metadata.iter();
        ModelProto {
            ir_version: IR_VERSION,
            producer_name: "mnas".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.proto),
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            metadata_props: metadata
                .map(|(key, value)| StringStringEntryProto {
                    key: key.clone(),
                    value: value.clone(),
                })
                .collect(),
        }
    }
}

fn convolution_attributes(kernel: u32, stride: u32, groups: u32) -> Vec<AttributeProto> {
    let [kernel, stride, pad] = [kernel, stride, kernel / 2].map(i64::from);
    vec![
        ints_attribute("kernel_shape", vec![kernel; 2]),
        ints_attribute("strides", vec![stride; 2]),
        ints_attribute("pads", vec![pad; 4]),
        int_attribute("group", i64::from(groups)),
    ]
}

fn float_attribute(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        f: Some(value),
        kind: attribute_kind::FLOAT,
        ..AttributeProto::default()
    }
}

fn int_attribute(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: Some(value),
        kind: attribute_kind::INT,
        ..AttributeProto::default()
    }
}

pub(super) fn ints_attribute(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints: values,
        kind: attribute_kind::INTS,
        ..AttributeProto::default()
    }
}

//! Tensors of a network as data: names, shapes and kinds.
//!
//! The libtorch module, weight files and the ONNX writer all use these names and shapes, so that they can exchange
//! weights. A tensor is named after its node: `blocks.3.expand.conv.weight`,
//! `blocks.3.expand.bn.running_var`, `head.classifier.linear.bias`.

use crate::graph::{Graph, Node, Op};

/// Use of a tensor of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// Kernels of a convolution, `[out, in / groups, kernel, kernel]`.
    ConvolutionWeight,
    /// Matrix of a fully connected layer, `[out, in]`.
    LinearWeight,
    /// Bias per output channel of a convolution or fully connected layer, `[out]`.
    Bias,
    /// Batch-norm's factor per channel (gamma), `[channels]`.
    BatchNormScale,
    /// Batch-norm's offset per channel (beta), `[channels]`.
    BatchNormShift,
    /// Learnt factor per channel of layer scale (gamma), `[channels]`.
    LayerScale,
    /// Running mean per channel of batch-norm, `[channels]`; a buffer.
    RunningMean,
    /// Running variance per channel of batch-norm, `[channels]`; a buffer.
    RunningVariance,
}

impl ParameterKind {
    /// Last part of the tensor's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::ConvolutionWeight | Self::LinearWeight | Self::BatchNormScale | Self::LayerScale => "weight",
            Self::Bias | Self::BatchNormShift => "bias",
            Self::RunningMean => "running_mean",
            Self::RunningVariance => "running_var",
        }
    }

    /// Checks whether gradient descent changes the tensor. Running statistics are buffers: they are saved with the weights
    /// and needed for inference, but are averaged instead of trained, and do not count as parameters.
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }

    /// Checks whether weight decay applies to the tensor: true for kernels and matrices, false for biases and batch-norm.
    pub fn is_decayed(self) -> bool {
        matches!(self, Self::ConvolutionWeight | Self::LinearWeight)
    }
}

/// Tensor of a network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParameterSpec {
    /// Name, unique in the graph: the node's name, a dot and the kind's suffix.
    pub name: String,
    /// Sizes of the dimensions, the slowest first; values are stored in row-major order.
    pub shape: Vec<usize>,
    /// Use of the tensor.
    pub kind: ParameterKind,
}

impl ParameterSpec {
    /// Number of values.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Node {
    /// Tensors that the operation reads in addition to its operands, in the order weight, bias, running mean and variance.
    pub fn parameters(&self) -> impl Iterator<Item = ParameterSpec> + use<> {
        let name = self.name;
        let weight_shape = self.op.weight_shape().unwrap_or_default().map(|side| side as usize);
        let out = weight_shape[0];
        let tensors: [Option<(ParameterKind, Vec<usize>)>; 4] = match self.op {
            Op::Convolution { bias, .. } => {
                let weight = (ParameterKind::ConvolutionWeight, weight_shape.to_vec());
                let bias = bias.then(|| (ParameterKind::Bias, vec![out]));
                [Some(weight), bias, None, None]
            }
            Op::BatchNorm { channels } => [
                ParameterKind::BatchNormScale,
                ParameterKind::BatchNormShift,
                ParameterKind::RunningMean,
                ParameterKind::RunningVariance,
            ]
            .map(|kind| Some((kind, vec![channels as usize]))),
            Op::Linear { .. } => {
                let weight = (ParameterKind::LinearWeight, weight_shape[..2].to_vec());
                [Some(weight), Some((ParameterKind::Bias, vec![out])), None, None]
            }
            Op::LayerScale { channels } => {
                let factors = (ParameterKind::LayerScale, vec![channels as usize]);
                [Some(factors), None, None, None]
            }
            Op::Activation(_)
            | Op::Gate(_)
            | Op::GlobalAveragePool
            | Op::Add
            | Op::Multiply
            | Op::ChannelShuffle { .. } => [None, None, None, None],
        };
        tensors.into_iter().flatten().map(move |(kind, shape)| {
            let name = format!("{name}.{}", kind.suffix());
            ParameterSpec { name, shape, kind }
        })
    }
}

impl Graph {
    /// All tensors of the network in execution order, buffers included.
    ///
    /// ```
    /// use mnas_space::{Architecture, ParameterKind};
    /// let graph = "in32,conv_k3_s2_c16_nre,head_o10".parse::<Architecture>()?.graph();
    /// let first = graph.parameters().next().expect("a convolution has a weight");
    /// assert_eq!(first.name, "blocks.0.main.conv.weight");
    /// assert_eq!(first.shape, [16, 3, 3, 3]);
    /// assert_eq!(first.kind, ParameterKind::ConvolutionWeight);
    /// # Ok::<(), mnas_space::NotationError>(())
    /// ```
    pub fn parameters(&self) -> impl Iterator<Item = ParameterSpec> + '_ {
        self.nodes.iter().flat_map(Node::parameters)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::Architecture;

    const TEXTS: [&str; 5] = [
        "in32,conv_k3_s2_c16_nre,er_k3_e4_c24_nre,uib_a5_k3_e4_c24_nge_ls,ir_k3_e1_c24_gr2_nre,head_fb64_nre_o7",
        "in32,conv_k3_s2_c16_nhs,head_o10",
        "in97,conv_k3_s2_c16_nhs,ds_k5_c24_se0.25_nre,ir_r3_k3_s2_e6_c40_se0.25_gsi_nsw,head_f64_nhs_o7",
        "in33,conv_k3_c8_nr6,id_s2_c20,id_c20,ir_k7_e1_c20_nr6,ir_h30_k3_c20_sq5_nre,head_o3",
        "in224,conv_k3_s2_c32_nr6,ir_k3_e1_c16_nr6,ir_r2_k3_s2_e6_c24_nr6,conv_k1_c1280_nr6,head_o1000",
    ];

    #[test]
    fn trained_elements_are_the_parameters_that_cost_counts() {
        for text in TEXTS {
            let graph = text.parse::<Architecture>().unwrap().graph();
            let cost = crate::Cost::of(&graph);
            let trained: usize = graph
                .parameters()
                .filter(|p| p.kind.is_trained())
                .map(|p| p.elements())
                .sum();
            assert_eq!(trained as u64, cost.params, "{text}");
            let buffers: usize = graph
                .parameters()
                .filter(|p| !p.kind.is_trained())
                .map(|p| p.elements())
                .sum();
            assert_eq!(buffers as u64, cost.batch_norm_params, "{text}");
        }
    }

    #[test]
    fn names_are_unique() {
        for text in TEXTS {
            let graph = text.parse::<Architecture>().unwrap().graph();
            let mut names = HashSet::new();
            assert!(
                graph.parameters().all(|parameter| names.insert(parameter.name)),
                "{text}"
            );
        }
    }

    #[test]
    fn names_and_shapes_of_a_squeeze_excite_block() {
        let graph = "in8,ir_k5_e2_c4_se0.25_nre,head_o2"
            .parse::<Architecture>()
            .unwrap()
            .graph();
        let described: Vec<_> = graph
            .parameters()
            .map(|p| format!("{} {:?}", p.name, p.shape))
            .collect();
        assert_eq!(described.len(), 3 * 5 + 4 + 2);
        assert!(described.contains(&"blocks.0.depthwise.conv.weight [6, 1, 5, 5]".to_owned()));
        assert!(described.contains(&"blocks.0.depthwise.bn.running_var [6]".to_owned()));
        assert!(described.contains(&"blocks.0.squeeze.conv.bias [8]".to_owned()));
        assert!(described.contains(&"head.classifier.linear.weight [2, 4]".to_owned()));
    }
}

//! Division of a graph into steps, each a sequence of operations that TFLite performs in one operator.

use super::program::FusedActivation;
use crate::activation::Activation;
use crate::graph::{Graph, Node, Op, TensorId};

/// Consecutive operations of a graph that become one operator, with auxiliary operators where needed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'g> {
    pub node: &'g Node,
    /// Batch-norm that is folded into the weights.
    pub batch_norm: Option<&'g Node>,
    /// Layer scale that is folded into the weights.
    pub layer_scale: Option<&'g Node>,
    pub activation: FusedActivation,
    /// Last operation.
    pub last: &'g Node,
    /// Tensor that the last operation computes.
    pub output: TensorId,
}

impl Step<'_> {
    /// Checks whether the range of the output needs calibration; false if it is known from the operation.
    pub fn is_calibrated(&self) -> bool {
        !matches!(self.node.op, Op::Gate(_) | Op::ChannelShuffle { .. })
    }
}

/// Tensors whose ranges a file with 8-bit integers needs, in execution order: the input, and the output of each operator
/// whose range is not known in advance. Batch-norm, layer scale, `ReLU` and `ReLU6` are part of the preceding operator.
pub fn activations(graph: &Graph) -> Vec<TensorId> {
    let steps = steps(graph);
    let calibrated = steps.iter().filter(|step| step.is_calibrated());
    std::iter::once(TensorId::INPUT)
        .chain(calibrated.map(|step| step.output))
        .collect()
}

/// Divides a graph into steps.
pub(super) fn steps(graph: &Graph) -> Vec<Step<'_>> {
    let mut readers = vec![0u32; graph.nodes.len() + 1];
    for operand in graph.nodes.iter().flat_map(Node::operands) {
        readers[operand.0 as usize] += 1;
    }
    let mut steps = Vec::new();
    let mut index = 0;
    while let Some(node) = graph.nodes.get(index) {
        let mut step = Step {
            node,
            batch_norm: None,
            layer_scale: None,
            activation: FusedActivation::None,
            last: node,
            output: TensorId(index as u32 + 1),
        };
        index += 1;
        while let Some(next) = graph.nodes.get(index) {
            let is_only_reader = next.inputs == (step.output, None) && readers[step.output.0 as usize] == 1;
            if !(is_only_reader && step.take(next)) {
                break;
            }
            index += 1;
            step.last = next;
            step.output = TensorId(index as u32);
        }
        steps.push(step);
    }
    steps
}

impl<'g> Step<'g> {
    /// Fuses `next`, the only reader of the current output, into the step if TFLite supports that; returns true if it did.
    fn take(&mut self, next: &'g Node) -> bool {
        let has_weight_per_channel = matches!(
            self.node.op,
            Op::Convolution { .. } | Op::BatchNorm { .. } | Op::LayerScale { .. }
        );
        let has_activation = has_weight_per_channel || matches!(self.node.op, Op::Linear { .. } | Op::Add);
        let is_open = self.activation == FusedActivation::None;
        match next.op {
            Op::BatchNorm { .. }
                if matches!(self.node.op, Op::Convolution { .. })
                    && is_open
                    && self.batch_norm.is_none()
                    && self.layer_scale.is_none() =>
            {
                self.batch_norm = Some(next);
            }
            Op::LayerScale { .. } if has_weight_per_channel && is_open && self.layer_scale.is_none() => {
                self.layer_scale = Some(next);
            }
            Op::Activation(Activation::Relu) if has_activation && is_open => self.activation = FusedActivation::Relu,
            Op::Activation(Activation::Relu6) if has_activation && is_open => self.activation = FusedActivation::Relu6,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Architecture;

    #[test]
    fn convolutions_take_batch_norm_layer_scale_and_relu() {
        let graph = "in8,conv_k3_c4_nr6,uib_a3_k3_e2_c4_nhs_ls,head_f8_nre_o2"
            .parse::<Architecture>()
            .unwrap()
            .graph();
        let text: Vec<String> = steps(&graph)
            .iter()
            .map(|step| format!("{} {:?}", step.last.name, step.activation))
            .collect();
        insta::assert_snapshot!(text.join("\n"), @"
        blocks.0.main.act Relu6
        blocks.1.start.bn None
        blocks.1.expand.bn None
        blocks.1.expand.act None
        blocks.1.depthwise.bn None
        blocks.1.depthwise.act None
        blocks.1.scale.factor None
        blocks.1.residual.add None
        head.features.pool None
        head.hidden.act Relu
        head.classifier.linear None
        ");
    }

    #[test]
    fn activations_are_outputs_of_operators_without_known_ranges() {
        let graph = "in8,ir_k3_e2_c4_se0.25_nre,head_o2"
            .parse::<Architecture>()
            .unwrap()
            .graph();
        let names: Vec<String> = activations(&graph)
            .into_iter()
            .map(|tensor| {
                tensor
                    .producer()
                    .map_or("input".to_owned(), |node| graph.nodes[node].name.to_string())
            })
            .collect();
        insta::assert_snapshot!(names.join("\n"), @"
        input
        blocks.0.expand.act
        blocks.0.depthwise.act
        blocks.0.squeeze.pool
        blocks.0.squeeze.act
        blocks.0.excite.conv
        blocks.0.excite.mul
        blocks.0.project.bn
        head.features.pool
        head.classifier.linear
        ");
    }
}

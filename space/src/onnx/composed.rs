//! Operations missing from ONNX operator set 17, composed of existing operators.

use super::error::OnnxError;
use super::writer::{Writer, ints_attribute};
use crate::graph::{Node, Shape};

impl Writer<'_> {
    /// Adds sigmoid(x), the factor of x in swish; returns its name.
    pub(super) fn swish_factor(&mut self, node: &str, x: &str) -> String {
        let gate = format!("{node}.sigmoid");
        self.push_node(&gate, "Sigmoid", vec![x.to_owned()], gate.clone(), Vec::new());
        gate
    }

    /// Adds (1 + erf(x / sqrt 2)) / 2, the factor of x in GELU; returns its name.
    pub(super) fn gelu_factor(&mut self, node: &str, x: &str) -> String {
        let mut value = x.to_owned();
        let steps = [
            ("scaled", "Mul", Some(("gelu.root", std::f32::consts::FRAC_1_SQRT_2))),
            ("erf", "Erf", None),
            ("shifted", "Add", Some(("gelu.one", 1.0))),
            ("halved", "Mul", Some(("gelu.half", 0.5))),
        ];
        for (step, op_type, constant) in steps {
            let mut operands = vec![value];
            operands.extend(constant.map(|(name, number)| self.constant(name, number)));
            value = format!("{node}.{step}");
            self.push_node(&value, op_type, operands, value.clone(), Vec::new());
        }
        value
    }

    /// Adds the only tensor of a node as one factor per channel, broadcast over height and width; returns its name.
    pub(super) fn channel_factors(&mut self, node: &Node) -> Result<Option<String>, OnnxError> {
        let mut name = None;
        for tensor in self.fetch_all(node)? {
            let channels = tensor.values.len();
            self.push_tensor(&tensor.parameter.name, &[1, channels, 1, 1], &tensor.values);
            name = Some(tensor.parameter.name);
        }
        Ok(name)
    }

    /// Adds a channel shuffle: the transpose of the matrix of channels with `groups` rows. Returns the operands of the last
    /// reshape, to a feature map of shape `output`. A 0 in a shape keeps the batch dimension.
    pub(super) fn shuffled(&mut self, node: &str, x: &str, groups: u32, output: Shape) -> Vec<String> {
        let [groups, channels, height, width] = [groups, output.channels, output.height, output.width].map(i64::from);
        let rows = self.whole_numbers(format!("{node}.rows"), &[0, groups, channels / groups, height, width]);
        let whole = self.whole_numbers(format!("{node}.whole"), &[0, channels, height, width]);
        let matrix = format!("{node}.matrix");
        self.push_node(&matrix, "Reshape", vec![x.to_owned(), rows], matrix.clone(), Vec::new());
        let turned = format!("{node}.transposed");
        let order = ints_attribute("perm", vec![0, 2, 1, 3, 4]);
        self.push_node(&turned, "Transpose", vec![matrix], turned.clone(), vec![order]);
        vec![turned, whole]
    }
}

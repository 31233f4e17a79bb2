use std::fmt;

use crate::NotationError;
use crate::activation::Activation;
use crate::graph::{Graph, Lowering, Scope, Shape, TensorId};
use crate::notation::Fields;

/// The classifier: global average pooling, an optional hidden fully connected layer, and the layer that scores
/// the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Head {
    /// The layer between pooling and scores, as in `MobileNetV3`.
    pub hidden: Option<HiddenLayer>,
    /// Number of classes scored.
    pub classes: u32,
}

/// A fully connected layer after pooling, with bias, without batch-norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HiddenLayer {
    /// Outputs of the layer.
    pub features: u32,
    /// Applied to them.
    pub activation: Activation,
}

impl Head {
    pub(crate) fn lower(&self, x: TensorId, lowering: &mut Lowering<'_>) -> TensorId {
        let mut y = lowering.pool("features", x);
        if let Some(hidden) = self.hidden {
            y = lowering.linear("hidden", y, hidden.features);
            y = lowering.activation("hidden", y, hidden.activation);
        }
        lowering.linear("classifier", y, self.classes)
    }

    /// The head alone as a graph, for a feature map of shape `input`.
    pub fn graph(&self, input: Shape) -> Graph {
        let mut graph = Graph::new(input);
        self.lower(TensorId::INPUT, &mut Lowering::new(&mut graph, Scope::Head));
        graph
    }

    pub(crate) fn write_fields(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if let Some(hidden) = self.hidden {
            write!(out, "_f{}_n{}", hidden.features, hidden.activation.code())?;
        }
        write!(out, "_o{}", self.classes)
    }

    pub(crate) fn from_fields(fields: &mut Fields<'_>) -> Result<Self, NotationError> {
        let hidden = match fields.features()? {
            Some(features) => Some(HiddenLayer {
                features,
                activation: fields.activation()?,
            }),
            None => None,
        };
        Ok(Self {
            hidden,
            classes: fields.classes()?,
        })
    }

    /// The head as integers, the basis of architecture ids and latency keys.
    pub(crate) fn words(&self) -> [u32; 8] {
        let (features, activation) = self
            .hidden
            .map_or((0, 0), |hidden| (hidden.features, hidden.activation as u32));
        [100, 0, 1, self.classes, features, 0, 0, activation]
    }
}

use std::fmt;

use super::field::{ACTIVATION, CLASSES, FEATURES, Field, NORMALISED_FEATURES, PLAIN_FEATURES, Problem, Value, Values};
use super::kind::Piece;
use crate::activation::Activation;
use crate::graph::{Graph, Scope, Shape};
use crate::lowering::{ConvSpec, Lowering, Operand, OperationSink};

/// Classifier: global average pooling, an optional hidden layer, and a fully connected layer with one output per class.
///
/// `MobileNetV1`, V2 and `MnasNet` have no hidden layer, V3 has one with bias, V4 one with batch-norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Head {
    /// Hidden layer between pooling and the classification layer, if any.
    pub hidden: Option<HiddenLayer>,
    /// Number of classes.
    pub classes: u32,
}

/// Hidden fully connected layer after pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HiddenLayer {
    /// Number of outputs.
    pub features: u32,
    /// Bias or normalisation of the outputs.
    pub norm: HiddenNorm,
    /// Activation of the outputs after bias or normalisation.
    pub activation: Activation,
}

/// Bias or normalisation of a hidden layer, applied to the product of its weights and its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HiddenNorm {
    /// Bias per output (`MobileNetV3`).
    #[default]
    Bias,
    /// Batch normalisation (`MobileNetV4`).
    BatchNorm,
    /// Neither (Once-for-all).
    None,
}

impl Head {
    /// Name in architecture strings.
    pub(crate) const NAME: &'static str = "head";
    pub(crate) const FIELDS: &'static [&'static Field] =
        &[&FEATURES, &NORMALISED_FEATURES, &PLAIN_FEATURES, &ACTIVATION, &CLASSES];
    const NORMS: [(&'static Field, HiddenNorm); 3] = [
        (&FEATURES, HiddenNorm::Bias),
        (&NORMALISED_FEATURES, HiddenNorm::BatchNorm),
        (&PLAIN_FEATURES, HiddenNorm::None),
    ];

    pub(crate) fn read(values: &Values) -> Result<Self, Problem> {
        let given = Self::NORMS.map(|(field, norm)| values.whole(field).map(|features| (features, norm)));
        let mut given = given.into_iter().flatten();
        let hidden = match (given.next(), given.next()) {
            (Some(_), Some(_)) => {
                return Err(Problem::new("two hidden layers", "give one of `f`, `fb`, `fn`"));
            }
            (Some((features, norm)), None) => Some(HiddenLayer {
                features,
                norm,
                activation: values.require_activation(&ACTIVATION)?,
            }),
            (None, _) if values.has(&ACTIVATION) => {
                return Err(Problem::new(
                    "an activation without a hidden layer",
                    "give its features, such as `f1280`",
                ));
            }
            (None, _) => None,
        };
        Ok(Self {
            hidden,
            classes: values.require_whole(&CLASSES)?,
        })
    }

    pub(crate) fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
        let mut y = lowering.pool("features", x);
        if let Some(hidden) = self.hidden {
            let spec = ConvSpec::pointwise(hidden.features);
            y = match hidden.norm {
                HiddenNorm::Bias => {
                    let y = lowering.linear("hidden", y, hidden.features);
                    lowering.activation("hidden", y, hidden.activation)
                }
                HiddenNorm::BatchNorm => lowering.conv_bn("hidden", y, spec, Some(hidden.activation)),
                HiddenNorm::None => {
                    let y = lowering.conv("hidden", y, spec, false);
                    lowering.activation("hidden", y, hidden.activation)
                }
            };
        }
        lowering.linear("classifier", y, self.classes)
    }

    /// Graph of the head alone, for a feature map of shape `input`.
    pub fn graph(&self, input: Shape) -> Graph {
        let mut graph = Graph::new(input);
        self.lower_alone(&mut graph);
        graph
    }

    /// Lowers the head alone into an empty graph.
    pub(crate) fn lower_alone(&self, graph: &mut Graph) {
        self.lower(Operand::input(graph.input), &mut Lowering::new(graph, Scope::Head));
    }
}

/// Prints the piece of an architecture string: `head_f1280_nhs_o1000`.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut piece = Piece::default();
        if let Some(hidden) = self.hidden {
            for (field, norm) in Self::NORMS {
                if norm == hidden.norm {
                    piece.whole(field, hidden.features);
                }
            }
            piece.push(&ACTIVATION, Value::Activation(hidden.activation));
        }
        piece.whole(&CLASSES, self.classes);
        write!(f, "{}{}", Self::NAME, piece.with_stride(1))
    }
}

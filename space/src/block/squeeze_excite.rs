use super::field::{
    Field, GATE, Problem, SQUEEZE_ACTIVATION, SQUEEZE_CHANNELS, SQUEEZE_EXCITE, SQUEEZE_INPUT, Value, Values,
};
use super::kind::Piece;
use crate::activation::{Activation, Gate};
use crate::lowering::{ConvSpec, Lowering, Operand, OperationSink};
use crate::rounding::make_divisible;

/// Squeeze-and-excitation (Hu et al., arXiv:1709.01507): multiplies every channel by a factor. Two fully connected layers
/// with bias, with an activation between them and a gate after them, compute the factors from the channels' means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SqueezeExcite {
    /// Outputs of the first layer.
    pub channels: u32,
    /// Gate that maps the second layer's outputs to factors.
    pub gate: Gate,
    /// Activation between the two layers: `ReLU` in `MobileNetV3` and `MnasNet`, swish in `EfficientNet`.
    pub activation: Activation,
}

impl SqueezeExcite {
    /// Width by `MobileNetV3`'s rule: `ratio` times the gated channels, rounded to a multiple of 8.
    pub fn of_gated(gated_channels: u32, ratio: f64) -> u32 {
        make_divisible(f64::from(gated_channels) * ratio, 8)
    }

    /// Width by the rule of `MnasNet` and `EfficientNet`: `ratio` times the block's input channels, rounded to the nearest
    /// whole number, at least 1.
    pub fn of_input(in_channels: u32, ratio: f64) -> u32 {
        ((f64::from(in_channels) * ratio).round() as u32).max(1)
    }

    /// Fields that are allowed only together with a width.
    pub(crate) const DETAILS: [&'static Field; 2] = [&GATE, &SQUEEZE_ACTIVATION];

    /// Checks whether the fields contain a width and therefore describe a squeeze-excite.
    pub(crate) fn is_in(values: &Values) -> bool {
        [&SQUEEZE_EXCITE, &SQUEEZE_INPUT, &SQUEEZE_CHANNELS]
            .into_iter()
            .any(|field| values.has(field))
    }

    pub(super) fn read(values: &Values, in_channels: u32, gated_channels: u32) -> Result<Option<Self>, Problem> {
        let widths = [
            values
                .decimal(&SQUEEZE_EXCITE)
                .map(|ratio| Self::of_gated(gated_channels, ratio)),
            values
                .decimal(&SQUEEZE_INPUT)
                .map(|ratio| Self::of_input(in_channels, ratio)),
            values.whole(&SQUEEZE_CHANNELS),
        ];
        let mut given = widths.into_iter().flatten();
        let (width, second) = (given.next(), given.next());
        if second.is_some() {
            return Err(Problem::new(
                "two widths of one squeeze-excite",
                "give one of `se`, `si`, `sq`",
            ));
        }
        let Some(channels) = width else {
            if let Some(detail) = Self::DETAILS.into_iter().find(|field| values.has(field)) {
                let problem = format!("`{}` without a squeeze-excite", detail.name);
                return Err(Problem::new(problem, "give `se`, `si` or `sq` too"));
            }
            return Ok(None);
        };
        Ok(Some(Self {
            channels,
            gate: values.gate(&GATE).unwrap_or(Gate::HardSigmoid),
            activation: values.activation(&SQUEEZE_ACTIVATION).unwrap_or(Activation::Relu),
        }))
    }

    /// Writes the width as `se0.25` or `si0.25` if that rule yields it at a ratio of 0.25, otherwise as a number such as
    /// `sq12`. If both rules yield it, the gate decides: networks that use `si` have sigmoid gates.
    pub(super) fn write(this: Option<Self>, in_channels: u32, gated_channels: u32, piece: &mut Piece) {
        let Some(this) = this else { return };
        let is_share_of_gated = this.channels == Self::of_gated(gated_channels, 0.25);
        let is_share_of_input = this.channels == Self::of_input(in_channels, 0.25);
        if is_share_of_input && (this.gate == Gate::Sigmoid || !is_share_of_gated) {
            piece.push(&SQUEEZE_INPUT, Value::Decimal(0.25));
        } else if is_share_of_gated {
            piece.push(&SQUEEZE_EXCITE, Value::Decimal(0.25));
        } else {
            piece.whole(&SQUEEZE_CHANNELS, this.channels);
        }
        if this.gate != Gate::HardSigmoid {
            piece.push(&GATE, Value::Gate(this.gate));
        }
        if this.activation != Activation::Relu {
            piece.push(&SQUEEZE_ACTIVATION, Value::Activation(this.activation));
        }
    }

    pub(super) fn lower<S: OperationSink>(this: Option<Self>, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
        let Some(this) = this else { return x };
        let gated = x.shape.channels;
        let y = lowering.pool("squeeze", x);
        let y = lowering.conv("squeeze", y, ConvSpec::pointwise(this.channels), true);
        let y = lowering.activation("squeeze", y, this.activation);
        let y = lowering.conv("excite", y, ConvSpec::pointwise(gated), true);
        let y = lowering.gate("excite", y, this.gate);
        lowering.multiply("excite", x, y)
    }

    /// Width and functions as integers; both 0 without squeeze-excite.
    pub(super) fn words(this: Option<Self>) -> [u32; 2] {
        this.map_or([0, 0], |this| {
            [this.channels, this.gate as u32 | (this.activation as u32) << 8]
        })
    }
}

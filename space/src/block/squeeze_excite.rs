use std::fmt;

use crate::NotationError;
use crate::activation::{Activation, Gate};
use crate::graph::{ConvSpec, Lowering, TensorId};
use crate::notation::Fields;
use crate::rounding::make_divisible;

/// Squeeze-and-excitation (Hu et al., arXiv:1709.01507): every channel is multiplied by a factor computed from the
/// means of all channels through two small layers with bias and a `ReLU` between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SqueezeExcite {
    /// Width of the bottleneck between the two layers.
    pub channels: u32,
    /// What maps the second layer's output to a factor.
    pub gate: Gate,
}

impl SqueezeExcite {
    /// `MobileNetV3`'s rule: a share `ratio` of the channels that are gated, rounded to a multiple of 8.
    pub fn of_expanded(gated_channels: u32, ratio: f64, gate: Gate) -> Self {
        Self {
            channels: make_divisible(f64::from(gated_channels) * ratio, 8),
            gate,
        }
    }

    pub(super) fn lower(self, x: TensorId, lowering: &mut Lowering<'_>) -> TensorId {
        let gated = lowering.shape(x).channels;
        let y = lowering.pool("squeeze", x);
        let y = lowering.conv("squeeze", y, ConvSpec::pointwise(self.channels), true);
        let y = lowering.activation("squeeze", y, Activation::Relu);
        let y = lowering.conv("excite", y, ConvSpec::pointwise(gated), true);
        let y = lowering.gate("excite", y, self.gate);
        lowering.multiply("excite", x, y)
    }

    /// `se0.25` where the width is what the rule of [`SqueezeExcite::of_expanded`] gives for a quarter, else `sq12`.
    pub(super) fn write_fields(
        squeeze_excite: Option<Self>,
        gated_channels: u32,
        out: &mut dyn fmt::Write,
    ) -> fmt::Result {
        let Some(this) = squeeze_excite else { return Ok(()) };
        if this == Self::of_expanded(gated_channels, 0.25, this.gate) {
            out.write_str("_se0.25")?;
        } else {
            write!(out, "_sq{}", this.channels)?;
        }
        if this.gate != Gate::HardSigmoid {
            write!(out, "_g{}", this.gate.code())?;
        }
        Ok(())
    }

    pub(super) fn from_fields(gated_channels: u32, fields: &mut Fields<'_>) -> Result<Option<Self>, NotationError> {
        let ratio = fields.squeeze_ratio()?;
        let width = fields.squeeze_width()?;
        let gate = fields.gate()?;
        let default_gate = gate.unwrap_or(Gate::HardSigmoid);
        match (ratio, width) {
            (Some(_), Some(_)) => Err(fields.conflict("se", "sq")),
            (Some(ratio), None) => Ok(Some(Self::of_expanded(gated_channels, ratio, default_gate))),
            (None, Some(channels)) => Ok(Some(Self {
                channels,
                gate: default_gate,
            })),
            (None, None) if gate.is_some() => Err(fields.missing("se", "a gate `g` belongs to a squeeze-excite `se`")),
            (None, None) => Ok(None),
        }
    }

    /// (width, gate) as integers, 0 and 0 for none.
    pub(super) fn words(squeeze_excite: Option<Self>) -> (u32, u32) {
        squeeze_excite.map_or((0, 0), |this| (this.channels, this.gate as u32))
    }
}

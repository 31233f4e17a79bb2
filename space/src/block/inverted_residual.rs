use std::fmt;

use super::SqueezeExcite;
use crate::NotationError;
use crate::activation::Activation;
use crate::graph::{ConvSpec, Lowering, Shape, TensorId};
use crate::notation::{Fields, limits};
use crate::rounding::make_divisible;

/// An inverted residual with linear bottleneck (`MobileNetV2`, arXiv:1801.04381, section 3.3), with V3's optional
/// squeeze-excite after the depthwise convolution: 1x1 expansion, depthwise convolution, linear 1x1 projection, and
/// a residual connection where input and output have one shape.
///
/// Where `hidden_channels` equals the input's channels (expansion 1) there is no expansion convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvertedResidual {
    /// Side of the depthwise kernel, odd.
    pub kernel: u32,
    /// Step of the depthwise convolution.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
    /// Channels between expansion and projection.
    pub hidden_channels: u32,
    /// Gates the hidden channels.
    pub squeeze_excite: Option<SqueezeExcite>,
    /// After expansion and depthwise convolution; the projection is linear.
    pub activation: Activation,
}

impl InvertedResidual {
    /// Hidden channels for an expansion factor: exactly `in_channels * expansion` where that is whole, otherwise
    /// rounded to a multiple of 8 as `MobileNetV3`'s reference code does.
    pub fn expanded(in_channels: u32, expansion: f64) -> u32 {
        let hidden = f64::from(in_channels) * expansion;
        if expansion.fract() == 0.0 {
            hidden as u32
        } else {
            make_divisible(hidden, 8)
        }
    }

    /// Whether the block adds its input to its output.
    pub fn has_residual(&self, input: Shape) -> bool {
        self.stride == 1 && input.channels == self.channels
    }

    pub(super) fn lower(&self, x: TensorId, lowering: &mut Lowering<'_>) -> TensorId {
        let input = lowering.shape(x);
        let mut y = x;
        if self.hidden_channels != input.channels {
            y = lowering.conv_bn(
                "expand",
                y,
                ConvSpec::pointwise(self.hidden_channels),
                Some(self.activation),
            );
        }
        let depthwise = ConvSpec::depthwise(self.hidden_channels, self.kernel, self.stride);
        y = lowering.conv_bn("depthwise", y, depthwise, Some(self.activation));
        if let Some(squeeze_excite) = self.squeeze_excite {
            y = squeeze_excite.lower(y, lowering);
        }
        y = lowering.conv_bn("project", y, ConvSpec::pointwise(self.channels), None);
        if self.has_residual(input) {
            lowering.add("residual", y, x)
        } else {
            y
        }
    }

    /// `e6` where the hidden channels are a whole multiple of the input's, else `h184`.
    pub(super) fn write_fields(&self, in_channels: u32, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "_k{}", self.kernel)?;
        let expansion = self.hidden_channels.checked_div(in_channels).unwrap_or(0);
        // Only what can be read back: the factor has a bound of its own.
        if expansion * in_channels == self.hidden_channels && f64::from(expansion) <= limits::EXPANSION {
            write!(out, "_e{expansion}")?;
        } else {
            write!(out, "_h{}", self.hidden_channels)?;
        }
        write!(out, "_c{}", self.channels)?;
        SqueezeExcite::write_fields(self.squeeze_excite, self.hidden_channels, out)?;
        write!(out, "_n{}", self.activation.code())
    }

    pub(super) fn from_fields(in_channels: u32, fields: &mut Fields<'_>) -> Result<Self, NotationError> {
        let hidden_channels = match (fields.expansion()?, fields.hidden()?) {
            (Some(_), Some(_)) => return Err(fields.conflict("e", "h")),
            (Some(expansion), None) => Self::expanded(in_channels, expansion),
            (None, Some(hidden)) => hidden,
            (None, None) => return Err(fields.missing("e", "an `ir` block needs an expansion `e6` or a width `h96`")),
        };
        Ok(Self {
            kernel: fields.kernel()?,
            stride: fields.stride()?,
            channels: fields.channels()?,
            hidden_channels,
            squeeze_excite: SqueezeExcite::from_fields(hidden_channels, fields)?,
            activation: fields.activation()?,
        })
    }
}

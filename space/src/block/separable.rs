use std::fmt;

use super::SqueezeExcite;
use crate::NotationError;
use crate::activation::Activation;
use crate::graph::{ConvSpec, Lowering, TensorId};
use crate::notation::Fields;

/// A depthwise separable convolution as in `MobileNetV1` (arXiv:1704.04861, section 3.1): depthwise convolution,
/// batch-norm, activation, 1x1 convolution, batch-norm, activation; no residual connection.
///
/// The variant with a linear 1x1 convolution that opens `MobileNetV2` and V3 is an
/// [`InvertedResidual`](super::InvertedResidual) with expansion 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DepthwiseSeparable {
    /// Side of the depthwise kernel, odd.
    pub kernel: u32,
    /// Step of the depthwise convolution.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
    /// Gates the depthwise convolution's output.
    pub squeeze_excite: Option<SqueezeExcite>,
    /// After both batch-norms.
    pub activation: Activation,
}

impl DepthwiseSeparable {
    pub(super) fn lower(&self, x: TensorId, lowering: &mut Lowering<'_>) -> TensorId {
        let in_channels = lowering.shape(x).channels;
        let depthwise = ConvSpec::depthwise(in_channels, self.kernel, self.stride);
        let mut y = lowering.conv_bn("depthwise", x, depthwise, Some(self.activation));
        if let Some(squeeze_excite) = self.squeeze_excite {
            y = squeeze_excite.lower(y, lowering);
        }
        lowering.conv_bn(
            "pointwise",
            y,
            ConvSpec::pointwise(self.channels),
            Some(self.activation),
        )
    }

    pub(super) fn write_fields(&self, in_channels: u32, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "_k{}_c{}", self.kernel, self.channels)?;
        SqueezeExcite::write_fields(self.squeeze_excite, in_channels, out)?;
        write!(out, "_n{}", self.activation.code())
    }

    pub(super) fn from_fields(in_channels: u32, fields: &mut Fields<'_>) -> Result<Self, NotationError> {
        Ok(Self {
            kernel: fields.kernel()?,
            stride: fields.stride()?,
            channels: fields.channels()?,
            squeeze_excite: SqueezeExcite::from_fields(in_channels, fields)?,
            activation: fields.activation()?,
        })
    }
}

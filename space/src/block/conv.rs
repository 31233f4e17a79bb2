use std::fmt;

use crate::NotationError;
use crate::activation::Activation;
use crate::graph::{ConvSpec, Lowering, TensorId};
use crate::notation::Fields;

/// A full convolution with batch-norm and activation: stems, and the last 1x1 layer of `MobileNetV2` and V3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conv {
    /// Side of the kernel, odd.
    pub kernel: u32,
    /// Step of the window.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
    /// Applied after batch-norm.
    pub activation: Activation,
}

impl Conv {
    pub(super) fn lower(&self, x: TensorId, lowering: &mut Lowering<'_>) -> TensorId {
        let spec = ConvSpec {
            out_channels: self.channels,
            kernel: self.kernel,
            stride: self.stride,
            groups: 1,
        };
        lowering.conv_bn("main", x, spec, Some(self.activation))
    }

    pub(super) fn write_fields(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "_k{}_c{}_n{}", self.kernel, self.channels, self.activation.code())
    }

    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Result<Self, NotationError> {
        Ok(Self {
            kernel: fields.kernel()?,
            stride: fields.stride()?,
            channels: fields.channels()?,
            activation: fields.activation()?,
        })
    }
}

use std::fmt;

use crate::NotationError;
use crate::graph::{ConvSpec, Lowering, Shape, TensorId};
use crate::notation::Fields;

/// A skipped layer: nothing where the shape stays, otherwise a linear 1x1 convolution with batch-norm
/// (as in NAS-Bench-Macro).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Step of the projection.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
}

impl Identity {
    /// Whether the block passes its input on unchanged.
    pub fn is_nothing(self, input: Shape) -> bool {
        self.stride == 1 && input.channels == self.channels
    }

    pub(super) fn lower(self, x: TensorId, lowering: &mut Lowering<'_>) -> TensorId {
        if self.is_nothing(lowering.shape(x)) {
            return x;
        }
        let spec = ConvSpec {
            out_channels: self.channels,
            kernel: 1,
            stride: self.stride,
            groups: 1,
        };
        lowering.conv_bn("project", x, spec, None)
    }

    pub(super) fn write_fields(self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "_c{}", self.channels)
    }

    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Result<Self, NotationError> {
        Ok(Self {
            stride: fields.stride()?,
            channels: fields.channels()?,
        })
    }
}

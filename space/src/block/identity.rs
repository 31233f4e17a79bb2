use super::field::{CHANNELS, Field, Problem, Values};
use super::kind::{BlockKind, Context, Piece};
use crate::graph::Shape;
use crate::lowering::{ConvSpec, Lowering, Operand, OperationSink};

/// Skipped layer, as in NAS-Bench-Macro: no operation if input and output have the same shape, otherwise a linear
/// 1x1 convolution with batch-norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Stride; above 1, the block is a convolution.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
}

impl BlockKind for Identity {
    const NAME: &'static str = "id";
    const TAG: u32 = 3;
    const FIELDS: &'static [&'static Field] = &[];

    fn read(_values: &Values, context: Context) -> Result<Self, Problem> {
        Ok(Self {
            stride: context.stride,
            channels: context.channels,
        })
    }

    fn write(&self, _in_channels: u32, piece: &mut Piece) {
        piece.stride();
        piece.whole(&CHANNELS, self.channels);
    }

    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
        if self.is_nothing(x.shape) {
            return x;
        }
        let spec = ConvSpec::full(self.channels, 1, self.stride);
        lowering.conv_bn("project", x, spec, None)
    }

    fn words(&self) -> [u32; 7] {
        [1, self.stride, self.channels, 0, 0, 0, 0]
    }

    fn is_nothing(&self, input: Shape) -> bool {
        self.stride == 1 && input.channels == self.channels
    }
}

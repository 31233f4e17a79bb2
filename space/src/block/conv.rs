use super::field::{ACTIVATION, CHANNELS, Field, KERNEL, Problem, Value, Values};
use super::kind::{BlockKind, Context, Piece};
use crate::activation::Activation;
use crate::lowering::{ConvSpec, Lowering, Operand, OperationSink};

/// Full convolution with batch-norm and activation: stems, and the last 1x1 convolution of `MobileNetV2` and V3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conv {
    /// Side of the kernel, odd.
    pub kernel: u32,
    /// Stride.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
    /// Activation after batch-norm.
    pub activation: Activation,
}

impl BlockKind for Conv {
    const NAME: &'static str = "conv";
    const TAG: u32 = 0;
    const FIELDS: &'static [&'static Field] = &[&KERNEL, &ACTIVATION];

    fn read(values: &Values, context: Context) -> Result<Self, Problem> {
        Ok(Self {
            kernel: values.require_whole(&KERNEL)?,
            stride: context.stride,
            channels: context.channels,
            activation: values.require_activation(&ACTIVATION)?,
        })
    }

    fn write(&self, _in_channels: u32, piece: &mut Piece) {
        piece.whole(&KERNEL, self.kernel);
        piece.stride();
        piece.whole(&CHANNELS, self.channels);
        piece.push(&ACTIVATION, Value::Activation(self.activation));
    }

    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
        let spec = ConvSpec::full(self.channels, self.kernel, self.stride);
        lowering.conv_bn("main", x, spec, Some(self.activation))
    }

    fn words(&self) -> [u32; 7] {
        [self.kernel, self.stride, self.channels, 0, 0, 0, self.activation as u32]
    }
}

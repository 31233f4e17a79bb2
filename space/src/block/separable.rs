use super::field::{
    ACTIVATION, CHANNELS, Field, GATE, KERNEL, Problem, SQUEEZE_ACTIVATION, SQUEEZE_CHANNELS, SQUEEZE_EXCITE,
    SQUEEZE_INPUT, Value, Values,
};
use super::kind::{BlockKind, Context, Piece};
use super::squeeze_excite::SqueezeExcite;
use crate::activation::Activation;
use crate::lowering::{ConvSpec, Lowering, Operand, OperationSink};

/// Depthwise separable convolution of `MobileNetV1` (arXiv:1704.04861, section 3.1): depthwise convolution, batch-norm,
/// activation, optional squeeze-excite, 1x1 convolution, batch-norm, activation; no residual connection.
///
/// The variant with a linear 1x1 convolution, the first block of `MobileNetV2` and V3, is an inverted residual with
/// expansion 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DepthwiseSeparable {
    /// Side of the depthwise kernel, odd.
    pub kernel: u32,
    /// Stride of the depthwise convolution.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
    /// Squeeze-excite on the output of the depthwise convolution.
    pub squeeze_excite: Option<SqueezeExcite>,
    /// Activation after both batch-norms.
    pub activation: Activation,
}

impl BlockKind for DepthwiseSeparable {
    const NAME: &'static str = "ds";
    const TAG: u32 = 1;
    const FIELDS: &'static [&'static Field] = &[
        &KERNEL,
        &SQUEEZE_EXCITE,
        &SQUEEZE_INPUT,
        &SQUEEZE_CHANNELS,
        &GATE,
        &SQUEEZE_ACTIVATION,
        &ACTIVATION,
    ];

    fn read(values: &Values, context: Context) -> Result<Self, Problem> {
        Ok(Self {
            kernel: values.require_whole(&KERNEL)?,
            stride: context.stride,
            channels: context.channels,
            squeeze_excite: SqueezeExcite::read(values, context.in_channels, context.in_channels)?,
            activation: values.require_activation(&ACTIVATION)?,
        })
    }

    fn write(&self, in_channels: u32, piece: &mut Piece) {
        piece.whole(&KERNEL, self.kernel);
        piece.stride();
        piece.whole(&CHANNELS, self.channels);
        SqueezeExcite::write(self.squeeze_excite, in_channels, in_channels, piece);
        piece.push(&ACTIVATION, Value::Activation(self.activation));
    }

    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
        let in_channels = x.shape.channels;
        let depthwise = ConvSpec::depthwise(in_channels, self.kernel, self.stride);
        let y = lowering.conv_bn("depthwise", x, depthwise, Some(self.activation));
        let y = SqueezeExcite::lower(self.squeeze_excite, y, lowering);
        let pointwise = ConvSpec::pointwise(self.channels);
        lowering.conv_bn("pointwise", y, pointwise, Some(self.activation))
    }

    fn words(&self) -> [u32; 7] {
        let [squeeze, functions] = SqueezeExcite::words(self.squeeze_excite);
        let activation = self.activation as u32;
        [
            self.kernel,
            self.stride,
            self.channels,
            0,
            squeeze,
            functions,
            activation,
        ]
    }
}

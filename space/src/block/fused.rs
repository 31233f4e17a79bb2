use super::field::{
    ACTIVATION, CHANNELS, EXPANSION, Field, GATE, HIDDEN_CHANNELS, KERNEL, NO_RESIDUAL, Problem, SQUEEZE_ACTIVATION,
    SQUEEZE_CHANNELS, SQUEEZE_EXCITE, SQUEEZE_INPUT, Value, Values,
};
use super::hidden;
use super::kind::{BlockKind, Context, Piece};
use super::squeeze_excite::SqueezeExcite;
use crate::activation::Activation;
use crate::lowering::{ConvSpec, Lowering, Operand, OperationSink};

/// Fused inverted residual, also called edge residual or `FusedMBConv` (Gupta and Akin, arXiv:2003.02838;
/// `MobileNetV4`, arXiv:2404.10518): one full convolution in place of expansion and depthwise convolution, optional
/// squeeze-excite, linear 1x1 projection, and a residual connection if input and output have the same shape.
///
/// The block has both convolutions at every expansion factor, including 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FusedInvertedResidual {
    /// Side of the full convolution's kernel, odd.
    pub kernel: u32,
    /// Stride of the full convolution.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
    /// Channels between the two convolutions.
    pub hidden_channels: u32,
    /// Squeeze-excite on the hidden channels.
    pub squeeze_excite: Option<SqueezeExcite>,
    /// Activation after the full convolution; the projection is linear.
    pub activation: Activation,
    /// True if the block adds its input to its output when their shapes are equal; always true when they differ.
    pub residual: bool,
}

impl BlockKind for FusedInvertedResidual {
    const NAME: &'static str = "er";
    const TAG: u32 = 4;
    const FIELDS: &'static [&'static Field] = &[
        &KERNEL,
        &EXPANSION,
        &HIDDEN_CHANNELS,
        &SQUEEZE_EXCITE,
        &SQUEEZE_INPUT,
        &SQUEEZE_CHANNELS,
        &GATE,
        &SQUEEZE_ACTIVATION,
        &ACTIVATION,
        &NO_RESIDUAL,
    ];

    fn read(values: &Values, context: Context) -> Result<Self, Problem> {
        let hidden_channels = hidden::read(values, context.in_channels, hidden::rounded)?;
        Ok(Self {
            kernel: values.require_whole(&KERNEL)?,
            stride: context.stride,
            channels: context.channels,
            hidden_channels,
            squeeze_excite: SqueezeExcite::read(values, context.in_channels, hidden_channels)?,
            activation: values.require_activation(&ACTIVATION)?,
            residual: !(values.has(&NO_RESIDUAL) && context.keeps_shape()),
        })
    }

    fn write(&self, in_channels: u32, piece: &mut Piece) {
        piece.whole(&KERNEL, self.kernel);
        piece.stride();
        hidden::write_rounded(self.hidden_channels, in_channels, piece);
        piece.whole(&CHANNELS, self.channels);
        SqueezeExcite::write(self.squeeze_excite, in_channels, self.hidden_channels, piece);
        piece.push(&ACTIVATION, Value::Activation(self.activation));
        if !self.residual {
            piece.push(&NO_RESIDUAL, Value::Flag);
        }
    }

    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
        let expand = ConvSpec::full(self.hidden_channels, self.kernel, self.stride);
        let y = lowering.conv_bn("expand", x, expand, Some(self.activation));
        let y = SqueezeExcite::lower(self.squeeze_excite, y, lowering);
        let y = lowering.conv_bn("project", y, ConvSpec::pointwise(self.channels), None);
        lowering.residual(x, y, self.residual && self.stride == 1)
    }

    fn words(&self) -> [u32; 7] {
        let [squeeze, functions] = SqueezeExcite::words(self.squeeze_excite);
        [
            self.kernel,
            self.stride,
            self.channels,
            self.hidden_channels,
            squeeze,
            functions,
            self.activation as u32 | u32::from(!self.residual) << 8,
        ]
    }
}

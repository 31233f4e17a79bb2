use super::field::{
    ACTIVATION, CHANNELS, EXPANSION, Field, HIDDEN_CHANNELS, LAYER_SCALE, NO_RESIDUAL, OPTIONAL_KERNEL, Problem,
    START_KERNEL, Value, Values,
};
use super::hidden;
use super::kind::{BlockKind, Context, Piece};
use crate::activation::Activation;
use crate::lowering::{ConvSpec, Lowering, Operand, OperationSink};

/// Universal inverted bottleneck (`MobileNetV4`, arXiv:2404.10518, section 4): an optional linear depthwise convolution,
/// 1x1 expansion, an optional depthwise convolution, linear 1x1 projection, an optional learnt factor per channel (layer
/// scale, arXiv:2103.17239), and a residual connection if input and output have the same shape.
///
/// With only the second depthwise convolution the block is an inverted bottleneck, with only the first a `ConvNext`-like
/// block, with both an extra-depthwise block, and with neither a feed-forward network. The stride belongs to the second
/// depthwise convolution, or to the first if there is no second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniversalInvertedBottleneck {
    /// Side of the depthwise kernel before the expansion, odd; 0 leaves this convolution out.
    pub start_kernel: u32,
    /// Side of the depthwise kernel after the expansion, odd; 0 leaves this convolution out.
    pub kernel: u32,
    /// Stride.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
    /// Channels between expansion and projection.
    pub hidden_channels: u32,
    /// Activation after the expansion and the second depthwise convolution; the other convolutions are linear.
    pub activation: Activation,
    /// True if the projection is multiplied by a learnt factor per channel.
    pub layer_scale: bool,
    /// True if the block adds its input to its output when their shapes are equal; always true when they differ.
    pub residual: bool,
}

impl BlockKind for UniversalInvertedBottleneck {
    const NAME: &'static str = "uib";
    const TAG: u32 = 5;
    const FIELDS: &'static [&'static Field] = &[
        &START_KERNEL,
        &OPTIONAL_KERNEL,
        &EXPANSION,
        &HIDDEN_CHANNELS,
        &ACTIVATION,
        &LAYER_SCALE,
        &NO_RESIDUAL,
    ];

    fn read(values: &Values, context: Context) -> Result<Self, Problem> {
        let this = Self {
            start_kernel: values.whole(&START_KERNEL).unwrap_or(0),
            kernel: values.require_whole(&OPTIONAL_KERNEL)?,
            stride: context.stride,
            channels: context.channels,
            hidden_channels: hidden::read(values, context.in_channels, hidden::rounded)?,
            activation: values.require_activation(&ACTIVATION)?,
            layer_scale: values.has(&LAYER_SCALE),
            residual: !(values.has(&NO_RESIDUAL) && context.keeps_shape()),
        };
        if this.stride > 1 && this.start_kernel == 0 && this.kernel == 0 {
            let problem = format!("stride {} without a depthwise convolution", this.stride);
            return Err(Problem::new(
                problem,
                "expected a start kernel (`a`) or a kernel (`k`) above 0",
            ));
        }
        Ok(this)
    }

    fn write(&self, in_channels: u32, piece: &mut Piece) {
        if self.start_kernel > 0 {
            piece.whole(&START_KERNEL, self.start_kernel);
        }
        piece.whole(&OPTIONAL_KERNEL, self.kernel);
        piece.stride();
        hidden::write_rounded(self.hidden_channels, in_channels, piece);
        piece.whole(&CHANNELS, self.channels);
        piece.push(&ACTIVATION, Value::Activation(self.activation));
        if self.layer_scale {
            piece.push(&LAYER_SCALE, Value::Flag);
        }
        if !self.residual {
            piece.push(&NO_RESIDUAL, Value::Flag);
        }
    }

    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
        let input = x.shape;
        let mut y = x;
        if self.start_kernel > 0 {
            let stride = if self.kernel > 0 { 1 } else { self.stride };
            let start = ConvSpec::depthwise(input.channels, self.start_kernel, stride);
            y = lowering.conv_bn("start", y, start, None);
        }
        let expand = ConvSpec::pointwise(self.hidden_channels);
        y = lowering.conv_bn("expand", y, expand, Some(self.activation));
        if self.kernel > 0 {
            let depthwise = ConvSpec::depthwise(self.hidden_channels, self.kernel, self.stride);
            y = lowering.conv_bn("depthwise", y, depthwise, Some(self.activation));
        }
        y = lowering.conv_bn("project", y, ConvSpec::pointwise(self.channels), None);
        if self.layer_scale {
            y = lowering.layer_scale("scale", y);
        }
        lowering.residual(x, y, self.residual && self.stride == 1)
    }

    fn words(&self) -> [u32; 7] {
        [
            self.kernel,
            self.stride,
            self.channels,
            self.hidden_channels,
            self.start_kernel,
            u32::from(self.layer_scale),
            self.activation as u32 | u32::from(!self.residual) << 8,
        ]
    }
}

use super::field::{
    ACTIVATION, CHANNELS, EXPANSION, Field, GATE, GROUPS, HIDDEN_CHANNELS, KERNEL, NO_RESIDUAL, Problem,
    SQUEEZE_ACTIVATION, SQUEEZE_CHANNELS, SQUEEZE_EXCITE, SQUEEZE_INPUT, Value, Values,
};
use super::hidden;
use super::kind::{BlockKind, Context, Piece};
use super::squeeze_excite::SqueezeExcite;
use crate::activation::Activation;
use crate::lowering::{ConvSpec, Lowering, Operand, OperationSink};

/// Inverted residual with linear bottleneck (`MobileNetV2`, arXiv:1801.04381, section 3.3): 1x1 expansion, depthwise
/// convolution, optional squeeze-excite (`MobileNetV3`), linear 1x1 projection, and a residual connection if input and
/// output have the same shape.
///
/// The expansion convolution is left out if `hidden_channels` equals the input channels (expansion 1). If `groups` is
/// above 1, the 1x1 convolutions are grouped and the channels are shuffled before the depthwise convolution, as in
/// `FBNet` (arXiv:1812.03443, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvertedResidual {
    /// Side of the depthwise kernel, odd.
    pub kernel: u32,
    /// Stride of the depthwise convolution.
    pub stride: u32,
    /// Output channels.
    pub channels: u32,
    /// Channels between expansion and projection.
    pub hidden_channels: u32,
    /// Number of groups of the 1x1 convolutions; 1 for ordinary convolutions.
    pub groups: u32,
    /// Squeeze-excite on the hidden channels.
    pub squeeze_excite: Option<SqueezeExcite>,
    /// Activation after expansion and depthwise convolution; the projection is linear.
    pub activation: Activation,
    /// True if the block adds its input to its output when their shapes are equal; always true when they differ.
    pub residual: bool,
}

impl BlockKind for InvertedResidual {
    const NAME: &'static str = "ir";
    const TAG: u32 = 2;
    const FIELDS: &'static [&'static Field] = &[
        &KERNEL,
        &EXPANSION,
        &HIDDEN_CHANNELS,
        &GROUPS,
        &SQUEEZE_EXCITE,
        &SQUEEZE_INPUT,
        &SQUEEZE_CHANNELS,
        &GATE,
        &SQUEEZE_ACTIVATION,
        &ACTIVATION,
        &NO_RESIDUAL,
    ];

    fn read(values: &Values, context: Context) -> Result<Self, Problem> {
        let hidden_channels = hidden::read(values, context.in_channels, hidden::exact_or_rounded)?;
        let groups = values.whole(&GROUPS).unwrap_or(1);
        for channels in [context.in_channels, hidden_channels, context.channels] {
            if !channels.is_multiple_of(groups) {
                let problem = format!("{groups} groups do not divide {channels} channels");
                return Err(Problem::new(
                    problem,
                    "expected channels that are a multiple of the groups",
                ));
            }
        }
        Ok(Self {
            kernel: values.require_whole(&KERNEL)?,
            stride: context.stride,
            channels: context.channels,
            hidden_channels,
            groups,
            squeeze_excite: SqueezeExcite::read(values, context.in_channels, hidden_channels)?,
            activation: values.require_activation(&ACTIVATION)?,
            residual: !(values.has(&NO_RESIDUAL) && context.keeps_shape()),
        })
    }

    fn write(&self, in_channels: u32, piece: &mut Piece) {
        piece.whole(&KERNEL, self.kernel);
        piece.stride();
        hidden::write(self.hidden_channels, in_channels, piece);
        piece.whole(&CHANNELS, self.channels);
        if self.groups > 1 {
            piece.whole(&GROUPS, self.groups);
        }
        SqueezeExcite::write(self.squeeze_excite, in_channels, self.hidden_channels, piece);
        piece.push(&ACTIVATION, Value::Activation(self.activation));
        if !self.residual {
            piece.push(&NO_RESIDUAL, Value::Flag);
        }
    }

    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
        let input = x.shape;
        let pointwise = |channels| ConvSpec::pointwise(channels).grouped(self.groups);
        let mut y = x;
        if self.hidden_channels != input.channels {
            y = lowering.conv_bn("expand", y, pointwise(self.hidden_channels), Some(self.activation));
        }
        if self.groups > 1 {
            y = lowering.channel_shuffle("shuffle", y, self.groups);
        }
        let depthwise = ConvSpec::depthwise(self.hidden_channels, self.kernel, self.stride);
        y = lowering.conv_bn("depthwise", y, depthwise, Some(self.activation));
        y = SqueezeExcite::lower(self.squeeze_excite, y, lowering);
        y = lowering.conv_bn("project", y, pointwise(self.channels), None);
        lowering.residual(x, y, self.residual && self.stride == 1)
    }

    fn words(&self) -> [u32; 7] {
        let [squeeze, functions] = SqueezeExcite::words(self.squeeze_excite);
        let flags = u32::from(!self.residual) << 8 | (self.groups - 1) << 16;
        [
            self.kernel,
            self.stride,
            self.channels,
            self.hidden_channels,
            squeeze,
            functions,
            self.activation as u32 | flags,
        ]
    }
}

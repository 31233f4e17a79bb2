//! Blocks: the layers a network is a sequence of.
//!
//! Each kind has a file of its own that says what it is, how it is lowered and how it is written; this module only
//! dispatches. A block is concrete: its channel counts are final, with multipliers and ratios already applied, so
//! that equal blocks are equal values.

mod conv;
mod head;
mod identity;
mod inverted_residual;
mod separable;
mod squeeze_excite;

pub use conv::Conv;
pub use head::{Head, HiddenLayer};
pub use identity::Identity;
pub use inverted_residual::InvertedResidual;
pub use separable::DepthwiseSeparable;
pub use squeeze_excite::SqueezeExcite;

use std::fmt;

use crate::graph::{Graph, Lowering, Scope, Shape, TensorId};
use crate::notation::Fields;

/// One block of an architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Block {
    /// `conv`: convolution, batch-norm, activation.
    Conv(Conv),
    /// `ds`: depthwise separable convolution (`MobileNetV1`).
    DepthwiseSeparable(DepthwiseSeparable),
    /// `ir`: inverted residual (`MobileNetV2`, V3).
    InvertedResidual(InvertedResidual),
    /// `id`: nothing, or a projection where the shape changes.
    Identity(Identity),
}

impl Block {
    /// The short names of all kinds, as architecture strings and search spaces write them.
    pub const KINDS: [&'static str; 4] = ["conv", "ds", "ir", "id"];

    /// The short name of this block's kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv(_) => "conv",
            Self::DepthwiseSeparable(_) => "ds",
            Self::InvertedResidual(_) => "ir",
            Self::Identity(_) => "id",
        }
    }

    /// Output channels.
    pub fn channels(&self) -> u32 {
        match self {
            Self::Conv(block) => block.channels,
            Self::DepthwiseSeparable(block) => block.channels,
            Self::InvertedResidual(block) => block.channels,
            Self::Identity(block) => block.channels,
        }
    }

    /// Step by which the block shrinks its input.
    pub fn stride(&self) -> u32 {
        match self {
            Self::Conv(block) => block.stride,
            Self::DepthwiseSeparable(block) => block.stride,
            Self::InvertedResidual(block) => block.stride,
            Self::Identity(block) => block.stride,
        }
    }

    /// The same block with another stride.
    #[must_use]
    pub fn with_stride(mut self, stride: u32) -> Self {
        match &mut self {
            Self::Conv(block) => block.stride = stride,
            Self::DepthwiseSeparable(block) => block.stride = stride,
            Self::InvertedResidual(block) => block.stride = stride,
            Self::Identity(block) => block.stride = stride,
        }
        self
    }

    /// Shape of the output for an input of shape `input`.
    pub fn output(&self, input: Shape) -> Shape {
        input.strided(self.stride(), self.channels())
    }

    /// Appends the block's operations; returns its output.
    pub(crate) fn lower(&self, x: TensorId, lowering: &mut Lowering<'_>) -> TensorId {
        match self {
            Self::Conv(block) => block.lower(x, lowering),
            Self::DepthwiseSeparable(block) => block.lower(x, lowering),
            Self::InvertedResidual(block) => block.lower(x, lowering),
            Self::Identity(block) => block.lower(x, lowering),
        }
    }

    /// The block alone as a graph, for an input of shape `input`.
    pub fn graph(&self, input: Shape) -> Graph {
        let mut graph = Graph::new(input);
        self.lower(TensorId::INPUT, &mut Lowering::new(&mut graph, Scope::Block(0)));
        graph
    }

    /// Writes the block as a piece of an architecture string, without repeat count and stride.
    pub(crate) fn write_fields(&self, in_channels: u32, out: &mut dyn fmt::Write) -> fmt::Result {
        match self {
            Self::Conv(block) => block.write_fields(out),
            Self::DepthwiseSeparable(block) => block.write_fields(in_channels, out),
            Self::InvertedResidual(block) => block.write_fields(in_channels, out),
            Self::Identity(block) => block.write_fields(out),
        }
    }

    /// Reads a block of kind `kind` from its fields; `None` where there is no such kind.
    pub(crate) fn from_fields(
        kind: &str,
        in_channels: u32,
        fields: &mut Fields<'_>,
    ) -> Option<Result<Self, crate::NotationError>> {
        Some(match kind {
            "conv" => Conv::from_fields(fields).map(Self::Conv),
            "ds" => DepthwiseSeparable::from_fields(in_channels, fields).map(Self::DepthwiseSeparable),
            "ir" => InvertedResidual::from_fields(in_channels, fields).map(Self::InvertedResidual),
            "id" => Identity::from_fields(fields).map(Self::Identity),
            _ => return None,
        })
    }

    /// The block as a list of integers, the basis of architecture ids and latency keys.
    pub(crate) fn words(&self) -> [u32; 8] {
        match self {
            Self::Conv(b) => [0, b.kernel, b.stride, b.channels, 0, 0, 0, b.activation as u32],
            Self::DepthwiseSeparable(b) => {
                let (squeeze, gate) = SqueezeExcite::words(b.squeeze_excite);
                [1, b.kernel, b.stride, b.channels, 0, squeeze, gate, b.activation as u32]
            }
            Self::InvertedResidual(b) => {
                let (squeeze, gate) = SqueezeExcite::words(b.squeeze_excite);
                [
                    2,
                    b.kernel,
                    b.stride,
                    b.channels,
                    b.hidden_channels,
                    squeeze,
                    gate,
                    b.activation as u32,
                ]
            }
            Self::Identity(b) => [3, 1, b.stride, b.channels, 0, 0, 0, 0],
        }
    }
}

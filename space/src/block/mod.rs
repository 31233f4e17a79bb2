//! Blocks, the units that networks are built from.
//!
//! Each block type has its own file with its definition, parsing, printing and lowering; a new type needs a new file and
//! a line in `block_types!` below. Blocks are concrete: multipliers and ratios are already applied to their channel
//! counts, so that equal blocks are equal values.

mod conv;
pub(crate) mod field;
mod fused;
mod head;
mod hidden;
mod identity;
mod inverted_residual;
pub(crate) mod kind;
mod separable;
mod squeeze_excite;
mod universal;

pub use conv::Conv;
pub use fused::FusedInvertedResidual;
pub use head::{Head, HiddenLayer, HiddenNorm};
pub use identity::Identity;
pub use inverted_residual::InvertedResidual;
pub use separable::DepthwiseSeparable;
pub use squeeze_excite::SqueezeExcite;
pub use universal::UniversalInvertedBottleneck;

use std::hash::{Hash, Hasher};

use crate::graph::{Graph, Scope, Shape};
use crate::lowering::{Lowering, Operand, OperationSink};
use field::{Field, Problem, Values};
use kind::{BlockKind, Context, Piece};

/// Block type as a value, for parsers that look it up by name.
#[derive(Debug)]
pub(crate) struct KindEntry {
    pub name: &'static str,
    pub fields: &'static [&'static Field],
    pub read: fn(&Values, Context) -> Result<Block, Problem>,
}

/// Defines [`Block`], the enum of all block types, with methods that dispatch to the type.
macro_rules! block_types {
    ($($(#[$doc:meta])* $type:ident,)+) => {
        /// Block of an architecture.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Block {
            $($(#[$doc])* $type($type),)+
        }

        /// All block types.
        static KINDS: &[KindEntry] = &[$(
            KindEntry {
                name: $type::NAME,
                fields: $type::FIELDS,
                read: |values, context| $type::read(values, context).map(Block::$type),
            },
        )+];

        impl Block {
            /// Short name of the block type in architecture strings and search spaces.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$type(_) => $type::NAME,)+
                }
            }

            /// Output channels.
            pub fn channels(&self) -> u32 {
                match self {
                    $(Self::$type(block) => block.channels,)+
                }
            }

            /// Stride.
            pub fn stride(&self) -> u32 {
                match self {
                    $(Self::$type(block) => block.stride,)+
                }
            }

            /// Same block with another stride.
            #[must_use]
            pub fn with_stride(mut self, stride: u32) -> Self {
                match &mut self {
                    $(Self::$type(block) => block.stride = stride,)+
                }
                self
            }

            /// Checks whether the block has no operation for this input, so that its output is its input.
            pub fn is_nothing(&self, input: Shape) -> bool {
                match self {
                    $(Self::$type(block) => block.is_nothing(input),)+
                }
            }

            /// Emits the block's operations for the input `x`; returns the output.
            pub(crate) fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand {
                match self {
                    $(Self::$type(block) => block.lower(x, lowering),)+
                }
            }

            /// Fields of the block, for an input of `in_channels`.
            pub(crate) fn piece(&self, in_channels: u32) -> Piece {
                let mut piece = Piece::default();
                match self {
                    $(Self::$type(block) => block.write(in_channels, &mut piece),)+
                }
                piece
            }

            /// Type and properties as integers, for hashing.
            pub(crate) fn words(&self) -> [u32; 8] {
                let (tag, [a, b, c, d, e, f, g]) = match self {
                    $(Self::$type(block) => ($type::TAG, block.words()),)+
                };
                [tag, a, b, c, d, e, f, g]
            }
        }
    };
}

block_types! {
    /// `conv`: convolution, batch-norm, activation.
    Conv,
    /// `ds`: depthwise separable convolution (`MobileNetV1`).
    DepthwiseSeparable,
    /// `ir`: inverted residual (`MobileNetV2`, V3).
    InvertedResidual,
    /// `er`: fused or edge residual.
    FusedInvertedResidual,
    /// `uib`: universal inverted bottleneck (`MobileNetV4`).
    UniversalInvertedBottleneck,
    /// `id`: no operation, or a projection if the shape changes.
    Identity,
}

/// Hashes a block as one number instead of one per field: counting and encoding networks look up blocks, so the hash must
/// be fast.
impl Hash for Block {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Random odd numbers. The processor computes the products of a sum in parallel, unlike chained products.
        const FACTORS: [u64; 8] = [
            0x9e37_79b9_7f4a_7c15,
            0xbf58_476d_1ce4_e5b9,
            0x94d0_49bb_1331_11eb,
            0xd6e8_feb8_6659_fd93,
            0xa076_1d64_78bd_642f,
            0xe703_7ed1_a0b4_28db,
            0x8ebc_6af0_9c88_c6e3,
            0x5899_65cc_7537_4cc3,
        ];
        let products = self.words().into_iter().zip(FACTORS);
        state.write_u64(products.fold(0, |sum, (word, factor)| {
            sum.wrapping_add(u64::from(word).wrapping_mul(factor))
        }));
    }
}

impl Block {
    /// Short names of all block types.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|entry| entry.name)
    }

    /// Fields of all block types; a field of several types occurs several times.
    pub(crate) fn fields() -> impl Iterator<Item = &'static Field> {
        KINDS.iter().flat_map(|entry| entry.fields.iter().copied())
    }

    /// Block type with this short name.
    pub(crate) fn entry(kind: &str) -> Option<&'static KindEntry> {
        KINDS.iter().find(|entry| entry.name == kind)
    }

    /// Shape of the output for an input of shape `input`.
    pub fn output(&self, input: Shape) -> Shape {
        input.strided(self.stride(), self.channels())
    }

    /// Graph of the block alone, for an input of shape `input`.
    pub fn graph(&self, input: Shape) -> Graph {
        let mut graph = Graph::new(input);
        self.lower_alone(&mut graph);
        graph
    }

    /// Lowers the block alone into an empty graph.
    pub(crate) fn lower_alone(&self, graph: &mut Graph) {
        self.lower(Operand::input(graph.input), &mut Lowering::new(graph, Scope::Block(0)));
    }
}

//! What a block type says about itself.

use super::Block;
use super::field::{Field, Problem, Value, Values};
use crate::graph::{Shape, TensorId};
use crate::lowering::Lowering;

/// Where a block stands: the sizes that its own fields do not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// Channels of the input.
    pub in_channels: u32,
    /// Channels of the output.
    pub channels: u32,
    /// Step by which it shrinks its input.
    pub stride: u32,
}

/// A block type. Everything that reads, writes, lowers, counts or measures blocks goes through these methods.
pub(crate) trait BlockKind: Copy {
    /// Short name in architecture strings and search spaces.
    const NAME: &'static str;
    /// First word of [`BlockKind::words`]; never reused, as architecture ids depend on it.
    const TAG: u32;
    /// The fields it may have beside stride and channels.
    const FIELDS: &'static [&'static Field];

    /// The block with these fields at this place.
    fn read(values: &Values, context: Context) -> Result<Self, Problem>;
    /// Writes the fields in canonical order, stride and channels included.
    fn write(&self, in_channels: u32, piece: &mut Piece);
    /// Appends the operations to a graph; returns the output.
    fn lower(&self, x: TensorId, lowering: &mut Lowering<'_>) -> TensorId;
    /// Output channels.
    fn channels(&self) -> u32;
    /// Step by which the block shrinks its input.
    fn stride(&self) -> u32;
    /// Gives it another stride.
    fn set_stride(&mut self, stride: u32);
    /// Every property as an integer, the basis of architecture ids: kernel, stride, channels and four of its own.
    fn words(&self) -> [u32; 7];
    /// Whether it passes its input on unchanged.
    fn is_nothing(&self, _input: Shape) -> bool {
        false
    }
}

/// A block type as a value: what reads text needs to find it by name.
#[derive(Debug)]
pub(crate) struct KindEntry {
    pub name: &'static str,
    pub fields: &'static [&'static Field],
    pub read: fn(&Values, Context) -> Result<Block, Problem>,
}

/// A piece of an architecture string being written, its stride and repeats still open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    text: String,
    stride_at: usize,
}

impl Piece {
    /// Marks where the stride stands.
    pub fn stride(&mut self) {
        self.stride_at = self.text.len();
    }

    pub fn whole(&mut self, field: &Field, value: u32) {
        self.push(field, Value::Whole(value));
    }

    pub fn push(&mut self, field: &Field, value: Value) {
        self.text.push('_');
        self.text.push_str(field.code);
        match value {
            Value::Whole(value) => self.text.push_str(&value.to_string()),
            Value::Decimal(value) => self.text.push_str(&value.to_string()),
            Value::Activation(value) => self.text.push_str(value.code()),
            Value::Gate(value) => self.text.push_str(value.code()),
            Value::Flag => {}
        }
    }

    /// The fields with a stride put in its place; a stride of 1 is left out.
    pub fn with_stride(&self, stride: u32) -> String {
        let (before, after) = self.text.split_at(self.stride_at);
        if stride == 1 {
            return self.text.clone();
        }
        format!("{before}_s{stride}{after}")
    }
}

//! What a block type says about itself.

use std::fmt::Write as _;

use super::Block;
use super::field::{Field, Problem, Value, Values};
use crate::graph::Shape;
use crate::lowering::{Lowering, Operand, OperationSink};

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

impl Context {
    /// Whether what leaves has the shape of what enters, so that there can be a residual connection.
    pub fn keeps_shape(self) -> bool {
        self.stride == 1 && self.in_channels == self.channels
    }
}

/// A block type, a struct with a `stride`, its `channels` and what else it needs. Everything that reads, writes, lowers,
/// counts or measures blocks goes through these methods.
pub(crate) trait BlockKind: Copy {
    /// Short name in architecture strings and search spaces.
    const NAME: &'static str;
    /// Distinguishes block types whose [`BlockKind::words`] are equal.
    const TAG: u32;
    /// The fields it may have beside stride and channels.
    const FIELDS: &'static [&'static Field];

    /// The block with these fields at this place.
    fn read(values: &Values, context: Context) -> Result<Self, Problem>;
    /// Writes the fields in canonical order, stride and channels included.
    fn write(&self, in_channels: u32, piece: &mut Piece);
    /// Appends the operations to a graph; returns the output.
    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand;
    /// Every property as an integer, the basis of hashing: kernel, stride, channels and four of the type's own.
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

/// The fields of a block in canonical order, its stride and repeats still open.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Piece {
    values: Values,
    stride_at: usize,
}

impl Piece {
    /// Marks where the stride stands.
    pub fn stride(&mut self) {
        self.stride_at = self.values.iter().count();
    }

    pub fn whole(&mut self, field: &'static Field, value: u32) {
        self.push(field, Value::Whole(value));
    }

    pub fn push(&mut self, field: &'static Field, value: Value) {
        self.values.insert(field, value);
    }

    /// The fields as values.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The fields as text with a stride put in its place; a stride of 1 is left out.
    pub fn with_stride(&self, stride: u32) -> String {
        // Writing to a string cannot fail.
        let mut text = String::with_capacity(48);
        for (index, (field, value)) in self.values.iter().enumerate() {
            if index == self.stride_at && stride > 1 {
                let _ = write!(text, "_s{stride}");
            }
            text.push('_');
            text.push_str(field.code);
            let _ = match value {
                Value::Whole(value) => write!(text, "{value}"),
                Value::Decimal(value) => write!(text, "{value}"),
                Value::Activation(value) => text.write_str(value.code()),
                Value::Gate(value) => text.write_str(value.code()),
                Value::Flag => Ok(()),
            };
        }
        text
    }
}

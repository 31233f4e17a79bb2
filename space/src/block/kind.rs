//! Interface of block types.

use std::fmt::Write as _;

use super::field::{Field, Problem, Value, Values};
use crate::graph::Shape;
use crate::lowering::{Lowering, Operand, OperationSink};

/// Sizes of a block that its own fields do not contain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// Channels of the input.
    pub in_channels: u32,
    /// Channels of the output.
    pub channels: u32,
    /// Stride.
    pub stride: u32,
}

impl Context {
    /// Checks whether input and output have one shape, so that a residual connection is possible.
    pub fn keeps_shape(self) -> bool {
        self.stride == 1 && self.in_channels == self.channels
    }
}

/// Block type: a struct with the fields `stride` and `channels` and others of its own. Reading, writing, lowering, counting
/// and measuring of blocks all use these methods.
pub(crate) trait BlockKind: Copy {
    /// Short name in architecture strings and search spaces.
    const NAME: &'static str;
    /// Distinguishes block types whose [`BlockKind::words`] are equal.
    const TAG: u32;
    /// Possible fields beside stride and channels.
    const FIELDS: &'static [&'static Field];

    /// Reads the block with these fields and sizes.
    fn read(values: &Values, context: Context) -> Result<Self, Problem>;
    /// Writes all fields in canonical order, stride and channels included.
    fn write(&self, in_channels: u32, piece: &mut Piece);
    /// Emits the operations on `x`; returns the output.
    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand;
    /// Every property as an integer, the basis of hashing: kernel, stride, channels and four of the type's own.
    fn words(&self) -> [u32; 7];
    /// Checks whether the block has no operation for this input.
    fn is_nothing(&self, _input: Shape) -> bool {
        false
    }
}

/// Fields of a block in canonical order, without stride and repeats.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Piece {
    values: Values,
    stride_at: usize,
}

impl Piece {
    /// Marks the place of the stride.
    pub fn stride(&mut self) {
        self.stride_at = self.values.iter().count();
    }

    pub fn whole(&mut self, field: &'static Field, value: u32) {
        self.push(field, Value::Whole(value));
    }

    pub fn push(&mut self, field: &'static Field, value: Value) {
        self.values.insert(field, value);
    }

    /// Fields with their values.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Text of the fields with the stride at its place; a stride of 1 is left out.
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

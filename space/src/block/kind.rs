//! Interface of block types.

use std::fmt::Write as _;

use super::field::{Field, Problem, Value, Values};
use crate::graph::Shape;
use crate::lowering::{Lowering, Operand, OperationSink};

/// Sizes of a block that its own fields do not specify.
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
    /// Checks whether input and output have the same shape, so that a residual connection is possible.
    pub fn keeps_shape(self) -> bool {
        self.stride == 1 && self.in_channels == self.channels
    }
}

/// Block type: a struct with the fields `stride` and `channels` and fields of its own. Parsing, printing, lowering,
/// counting and measuring use only these methods.
pub(crate) trait BlockKind: Copy {
    /// Short name in architecture strings and search spaces.
    const NAME: &'static str;
    /// Distinguishes block types whose [`BlockKind::words`] are equal.
    const TAG: u32;
    /// Fields that the type accepts besides stride and channels.
    const FIELDS: &'static [&'static Field];

    /// Builds the block from its fields and sizes.
    fn read(values: &Values, context: Context) -> Result<Self, Problem>;
    /// Writes all fields in canonical order, stride and channels included.
    fn write(&self, in_channels: u32, piece: &mut Piece);
    /// Emits the block's operations for the input `x`; returns the output.
    fn lower<S: OperationSink>(&self, x: Operand, lowering: &mut Lowering<'_, S>) -> Operand;
    /// All properties as integers, for hashing: kernel, stride, channels and four that depend on the type.
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
    /// Marks the position of the stride among the fields.
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

    /// Prints the fields with the stride at its marked position; a stride of 1 is left out.
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

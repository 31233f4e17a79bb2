//! Codes, versions and attributes of operators in the file format.

use super::flatbuffer::{Object, Table};
use super::program::{FusedActivation, OperatorKind, Padding};
use super::schema::{builtin, fused_activation, options, padding};

/// Attributes of an operator: the type of their table, and the table.
pub(super) type Attributes = (u8, Table);

impl OperatorKind {
    pub fn code(&self) -> u8 {
        match self {
            Self::Convolution { .. } => builtin::CONV_2D,
            Self::Depthwise { .. } => builtin::DEPTHWISE_CONV_2D,
            Self::FullyConnected { .. } => builtin::FULLY_CONNECTED,
            Self::Add { .. } => builtin::ADD,
            Self::Multiply => builtin::MUL,
            Self::Mean => builtin::MEAN,
            Self::Pad => builtin::PAD,
            Self::Reshape { .. } => builtin::RESHAPE,
            Self::Transpose => builtin::TRANSPOSE,
            Self::Relu => builtin::RELU,
            Self::Relu6 => builtin::RELU6,
            Self::HardSwish => builtin::HARD_SWISH,
            Self::Logistic => builtin::LOGISTIC,
            Self::Gelu => builtin::GELU,
            Self::Quantise => builtin::QUANTIZE,
            Self::Dequantise => builtin::DEQUANTIZE,
        }
    }

    /// First version of the operator with the types and features in use.
    pub fn version(&self, is_int8: bool) -> i32 {
        match self {
            Self::Convolution { is_grouped: true, .. } => 6,
            Self::Convolution { .. } | Self::Depthwise { .. } => 1 + 2 * i32::from(is_int8),
            Self::FullyConnected { .. } => 1 + 3 * i32::from(is_int8),
            // The operand is a 16-bit float if it is not an 8-bit integer.
            Self::Dequantise => 3 - i32::from(is_int8),
            Self::Reshape { .. } | Self::HardSwish | Self::Quantise => 1,
            Self::Add { .. }
            | Self::Multiply
            | Self::Mean
            | Self::Pad
            | Self::Transpose
            | Self::Relu
            | Self::Relu6
            | Self::Logistic
            | Self::Gelu => 1 + i32::from(is_int8),
        }
    }

    pub fn attributes(&self) -> Option<Attributes> {
        let plain = |kind| Some((kind, Table::new()));
        match self {
            Self::Convolution {
                padding,
                stride,
                activation,
                ..
            } => {
                use options::convolution::{ACTIVATION, PADDING, STRIDE_HEIGHT, STRIDE_WIDTH, TYPE};
                let table = Table::new()
                    .byte(PADDING, padding.code())
                    .int(STRIDE_WIDTH, *stride as i32)
                    .int(STRIDE_HEIGHT, *stride as i32)
                    .byte(ACTIVATION, activation.code());
                Some((TYPE, table))
            }
            Self::Depthwise {
                padding,
                stride,
                multiplier,
                activation,
            } => {
                use options::depthwise::{ACTIVATION, MULTIPLIER, PADDING, STRIDE_HEIGHT, STRIDE_WIDTH, TYPE};
                let table = Table::new()
                    .byte(PADDING, padding.code())
                    .int(STRIDE_WIDTH, *stride as i32)
                    .int(STRIDE_HEIGHT, *stride as i32)
                    .int(MULTIPLIER, *multiplier as i32)
                    .byte(ACTIVATION, activation.code());
                Some((TYPE, table))
            }
            Self::FullyConnected { activation } => {
                use options::fully_connected::{ACTIVATION, TYPE};
                Some((TYPE, Table::new().byte(ACTIVATION, activation.code())))
            }
            Self::Add { activation } => {
                use options::add::{ACTIVATION, TYPE};
                Some((TYPE, Table::new().byte(ACTIVATION, activation.code())))
            }
            Self::Mean => {
                use options::reducer::{KEEP_DIMENSIONS, TYPE};
                Some((TYPE, Table::new().byte(KEEP_DIMENSIONS, 1)))
            }
            Self::Reshape { shape } => {
                use options::reshape::{SHAPE, TYPE};
                Some((TYPE, Table::new().object(SHAPE, Object::Int32s(shape.clone()))))
            }
            Self::Multiply => plain(options::MUL),
            Self::Pad => plain(options::PAD),
            Self::Transpose => plain(options::TRANSPOSE),
            Self::HardSwish => plain(options::HARD_SWISH),
            Self::Gelu => plain(options::GELU),
            Self::Quantise => plain(options::QUANTIZE),
            Self::Dequantise => plain(options::DEQUANTIZE),
            Self::Relu | Self::Relu6 | Self::Logistic => None,
        }
    }
}

impl Padding {
    fn code(self) -> u8 {
        match self {
            Self::Same => padding::SAME,
            Self::Valid => padding::VALID,
        }
    }
}

impl FusedActivation {
    fn code(self) -> u8 {
        match self {
            Self::None => fused_activation::NONE,
            Self::Relu => fused_activation::RELU,
            Self::Relu6 => fused_activation::RELU6,
        }
    }
}

//! Constants of the TFLite schema, version 3: slots of tables, operator codes and types.
//!
//! They are part of the file format (`schema.fbs` of TensorFlow Lite) and never change. Each version of an operator
//! supports more types or features than the previous one; a file states the version that it needs.

/// Identifier of TFLite files.
pub(super) const FILE_IDENTIFIER: [u8; 4] = *b"TFL3";
/// Version of the schema.
pub(super) const VERSION: i32 = 3;
/// Code in the old one-byte field of operator codes for operators above 126.
pub(super) const PLACEHOLDER_CODE: u8 = 127;

/// Slots of `Model`.
pub(super) mod model {
    pub const VERSION: u16 = 0;
    pub const OPERATOR_CODES: u16 = 1;
    pub const SUBGRAPHS: u16 = 2;
    pub const DESCRIPTION: u16 = 3;
    pub const BUFFERS: u16 = 4;
    pub const METADATA: u16 = 6;
    pub const SIGNATURES: u16 = 7;
}

/// Slots of `SubGraph`.
pub(super) mod subgraph {
    pub const TENSORS: u16 = 0;
    pub const INPUTS: u16 = 1;
    pub const OUTPUTS: u16 = 2;
    pub const OPERATORS: u16 = 3;
    pub const NAME: u16 = 4;
}

/// Slots of `Tensor`.
pub(super) mod tensor {
    pub const SHAPE: u16 = 0;
    pub const TYPE: u16 = 1;
    pub const BUFFER: u16 = 2;
    pub const NAME: u16 = 3;
    pub const QUANTISATION: u16 = 4;
}

/// Slots of `QuantizationParameters`.
pub(super) mod quantisation {
    pub const SCALE: u16 = 2;
    pub const ZERO_POINT: u16 = 3;
    pub const DIMENSION: u16 = 6;
}

/// Slots of `Buffer`.
pub(super) mod buffer {
    pub const DATA: u16 = 0;
}

/// Slots of `OperatorCode`.
pub(super) mod operator_code {
    pub const PLACEHOLDER: u16 = 0;
    pub const VERSION: u16 = 2;
    pub const CODE: u16 = 3;
}

/// Slots of `Operator`.
pub(super) mod operator {
    pub const CODE_INDEX: u16 = 0;
    pub const INPUTS: u16 = 1;
    pub const OUTPUTS: u16 = 2;
    pub const OPTIONS_TYPE: u16 = 3;
    pub const OPTIONS: u16 = 4;
}

/// Slots of `SignatureDef`.
pub(super) mod signature {
    pub const INPUTS: u16 = 0;
    pub const OUTPUTS: u16 = 1;
    pub const KEY: u16 = 2;
    pub const SUBGRAPH: u16 = 4;
}

/// Slots of `TensorMap`, the name of an input or output in a signature.
pub(super) mod tensor_map {
    pub const NAME: u16 = 0;
    pub const TENSOR: u16 = 1;
}

/// Slots of `Metadata`.
pub(super) mod metadata {
    pub const NAME: u16 = 0;
    pub const BUFFER: u16 = 1;
}

/// Values of `TensorType`.
pub(super) mod tensor_type {
    pub const FLOAT32: u8 = 0;
    pub const FLOAT16: u8 = 1;
    pub const INT32: u8 = 2;
    pub const INT8: u8 = 9;
}

/// Values of `Padding`.
pub(super) mod padding {
    pub const SAME: u8 = 0;
    pub const VALID: u8 = 1;
}

/// Values of `ActivationFunctionType`.
pub(super) mod fused_activation {
    pub const NONE: u8 = 0;
    pub const RELU: u8 = 1;
    pub const RELU6: u8 = 3;
}

/// Values of `BuiltinOperator`.
pub(super) mod builtin {
    pub const ADD: u8 = 0;
    pub const CONV_2D: u8 = 3;
    pub const DEPTHWISE_CONV_2D: u8 = 4;
    pub const DEQUANTIZE: u8 = 6;
    pub const FULLY_CONNECTED: u8 = 9;
    pub const LOGISTIC: u8 = 14;
    pub const MUL: u8 = 18;
    pub const RELU: u8 = 19;
    pub const RELU6: u8 = 21;
    pub const RESHAPE: u8 = 22;
    pub const PAD: u8 = 34;
    pub const TRANSPOSE: u8 = 39;
    pub const MEAN: u8 = 40;
    pub const QUANTIZE: u8 = 114;
    pub const HARD_SWISH: u8 = 117;
    pub const GELU: u8 = 150;
}

/// Types of `BuiltinOptions`, the tables of operator attributes, with their slots.
pub(super) mod options {
    /// `Conv2DOptions`.
    pub mod convolution {
        pub const TYPE: u8 = 1;
        pub const PADDING: u16 = 0;
        pub const STRIDE_WIDTH: u16 = 1;
        pub const STRIDE_HEIGHT: u16 = 2;
        pub const ACTIVATION: u16 = 3;
    }

    /// `DepthwiseConv2DOptions`.
    pub mod depthwise {
        pub const TYPE: u8 = 2;
        pub const PADDING: u16 = 0;
        pub const STRIDE_WIDTH: u16 = 1;
        pub const STRIDE_HEIGHT: u16 = 2;
        pub const MULTIPLIER: u16 = 3;
        pub const ACTIVATION: u16 = 4;
    }

    /// `FullyConnectedOptions`.
    pub mod fully_connected {
        pub const TYPE: u8 = 8;
        pub const ACTIVATION: u16 = 0;
    }

    /// `AddOptions`.
    pub mod add {
        pub const TYPE: u8 = 11;
        pub const ACTIVATION: u16 = 0;
    }

    /// `ReducerOptions`.
    pub mod reducer {
        pub const TYPE: u8 = 27;
        pub const KEEP_DIMENSIONS: u16 = 0;
    }

    /// `ReshapeOptions`.
    pub mod reshape {
        pub const TYPE: u8 = 17;
        pub const SHAPE: u16 = 0;
    }

    /// Types of options tables without any field set.
    pub const MUL: u8 = 21;
    pub const PAD: u8 = 22;
    pub const TRANSPOSE: u8 = 26;
    pub const DEQUANTIZE: u8 = 38;
    pub const QUANTIZE: u8 = 89;
    pub const HARD_SWISH: u8 = 91;
    /// Type of `GeluOptions`, whose only field selects the tanh approximation.
    pub const GELU: u8 = 116;
}

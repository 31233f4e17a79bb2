//! The part of the ONNX file format that is written here, as protocol buffer messages.
//!
//! Field numbers and wire types are those of the ONNX specification, intermediate representation version 8; messages
//! and fields that this crate never writes are left out, and readers skip what they do not find. A field is
//! `Option` where leaving it out and writing zero mean different things.

use prost::{Message, Oneof};

/// Code of 32-bit floats in [`TensorProto::data_type`] and [`TensorTypeProto::elem_type`].
pub const FLOAT: i32 = 1;
/// Code of 64-bit integers in [`TensorProto::data_type`].
pub const INT64: i32 = 7;

/// Codes of [`AttributeProto::kind`].
pub mod attribute_kind {
    /// The value is in `f`.
    pub const FLOAT: i32 = 1;
    /// The value is in `i`.
    pub const INT: i32 = 2;
    /// The value is in `ints`.
    pub const INTS: i32 = 7;
}

/// A file: one graph with the versions needed to read it.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the file format itself.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The program that wrote the file.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Its version.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// Which version of each family of operators the nodes mean.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Free notes, such as the architecture string; runtimes ignore them.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// A family of operators and its version.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct OperatorSetIdProto {
    /// Empty for the standard operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// The version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// One note of a model.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct StringStringEntryProto {
    /// Its name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its text.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Nodes in execution order, the constants they read, and what enters and leaves.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// The operations.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// What the graph is called.
    #[prost(string, tag = "2")]
    pub name: String,
    /// The weights.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// What the caller provides.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// What the caller receives.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Shapes of the values in between, for readers that do not infer shapes.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
}

/// One operation; operands and results are named values.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of the operands: earlier results, graph inputs or constants.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the results.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Name of the node itself.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator, such as `Conv`.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Settings of the operator.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
}

/// One setting of an operator; `kind` says which field holds its value.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Which setting.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value of a `FLOAT`.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// The value of an `INT`.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// The value of an `INTS`.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// One of [`attribute_kind`].
    #[prost(int32, tag = "20")]
    pub kind: i32,
}

/// A constant.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Sizes of the dimensions; none for a scalar.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// Type of the values, [`FLOAT`] here.
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// What nodes call it.
    #[prost(string, tag = "8")]
    pub name: String,
    /// The values, row by row, little-endian.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
}

/// Name and type of a value.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// What nodes call it.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub value_type: Option<TypeProto>,
}

/// The type of a value, always a tensor here.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// Set where the value is a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// Element type and shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeProto {
    /// Type of the values, [`FLOAT`] here.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Its dimensions.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// The dimensions of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// The slowest first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// One dimension.
#[derive(Clone, PartialEq, Message)]
pub struct DimensionProto {
    /// Its size; `None` where nothing is known.
    #[prost(oneof = "DimensionSize", tags = "1, 2")]
    pub size: Option<DimensionSize>,
}

/// The size of a dimension.
#[derive(Clone, PartialEq, Eq, Hash, Oneof)]
pub enum DimensionSize {
    /// A number.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// A name; dimensions of one name have one size, known at run time.
    #[prost(string, tag = "2")]
    Parameter(String),
}

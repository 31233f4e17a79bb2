//! Writer of a program as a TFLite file.

use super::flatbuffer::{self, Object, Table};
use super::options::{SIGNATURE, TfliteOptions};
use super::program::{Operator, Program, Value, ValueId};
use super::schema::{
    FILE_IDENTIFIER, PLACEHOLDER_CODE, VERSION, buffer, metadata, model, operator, operator_code, quantisation,
    signature, subgraph, tensor, tensor_map,
};
use super::store::Stored;

/// Encodes a program as the bytes of a file. `notes` are the names and contents of its metadata entries.
pub(super) fn encode(
    program: &Program<'_>,
    stored: Vec<Stored>,
    notes: Vec<(String, Vec<u8>)>,
    is_int8: bool,
    options: &TfliteOptions,
) -> Vec<u8> {
    // Values without data share buffer 0, which the format requires to be empty.
    let mut buffers = vec![Table::new()];
    let tensors = program
        .values
        .iter()
        .zip(stored)
        .map(|(value, stored)| encode_tensor(value, stored, &mut buffers));
    let tensors = tensors.collect();
    let (codes, operators) = encode_operators(&program.operators, is_int8);
    let graph = Table::new()
        .tables(subgraph::TENSORS, tensors)
        .object(subgraph::INPUTS, indices(&program.inputs))
        .object(subgraph::OUTPUTS, indices(&program.outputs))
        .tables(subgraph::OPERATORS, operators)
        .text(subgraph::NAME, "main");
    let notes = notes.into_iter().map(|(name, data)| {
        let index = push_buffer(&mut buffers, data);
        Table::new().text(metadata::NAME, &name).int(metadata::BUFFER, index)
    });
    let notes: Vec<Table> = notes.collect();
    let root = Table::new()
        .int(model::VERSION, VERSION)
        .tables(model::OPERATOR_CODES, codes)
        .tables(model::SUBGRAPHS, vec![graph])
        .text(model::DESCRIPTION, &options.description)
        .tables(model::METADATA, notes)
        .tables(model::SIGNATURES, vec![encode_signature(program)])
        .tables(model::BUFFERS, buffers);
    flatbuffer::encode(&root, FILE_IDENTIFIER)
}

fn indices(values: &[ValueId]) -> Object {
    Object::Int32s(values.iter().map(|value| value.0 as i32).collect())
}

/// Adds a buffer; returns its index.
fn push_buffer(buffers: &mut Vec<Table>, data: Vec<u8>) -> i32 {
    buffers.push(Table::new().object(buffer::DATA, Object::Bytes(data)));
    buffers.len() as i32 - 1
}

fn encode_tensor(value: &Value<'_>, stored: Stored, buffers: &mut Vec<Table>) -> Table {
    let shape = value.shape.iter().map(|&size| size as i32).collect();
    let buffer = stored.data.map_or(0, |data| push_buffer(buffers, data));
    let table = Table::new()
        .object(tensor::SHAPE, Object::Int32s(shape))
        .byte(tensor::TYPE, stored.tensor_type)
        .int(tensor::BUFFER, buffer)
        .text(tensor::NAME, &value.name);
    let Some(scales) = stored.quantisation else {
        return table;
    };
    let scales = Table::new()
        .object(quantisation::SCALE, Object::Float32s(scales.factors))
        .object(quantisation::ZERO_POINT, Object::Int64s(scales.zero_points))
        .int(quantisation::DIMENSION, scales.dimension);
    table.table(tensor::QUANTISATION, scales)
}

/// Encodes the operators, and the operator codes to which they refer by index.
fn encode_operators(operators: &[Operator], is_int8: bool) -> (Vec<Table>, Vec<Table>) {
    let mut codes: Vec<(u8, i32)> = Vec::new();
    let mut tables = Vec::with_capacity(operators.len());
    for Operator { kind, inputs, output } in operators {
        let code = (kind.code(), kind.version(is_int8));
        let index = codes.iter().position(|known| *known == code).unwrap_or_else(|| {
            codes.push(code);
            codes.len() - 1
        });
        let mut table = Table::new()
            .int(operator::CODE_INDEX, index as i32)
            .object(operator::INPUTS, indices(inputs))
            .object(operator::OUTPUTS, indices(&[*output]));
        if let Some((kind, attributes)) = kind.attributes() {
            table = table
                .byte(operator::OPTIONS_TYPE, kind)
                .table(operator::OPTIONS, attributes);
        }
        tables.push(table);
    }
    let codes = codes.into_iter().map(|(code, version)| {
        Table::new()
            .byte(operator_code::PLACEHOLDER, code.min(PLACEHOLDER_CODE))
            .int(operator_code::VERSION, version)
            .int(operator_code::CODE, i32::from(code))
    });
    (codes.collect(), tables)
}

fn encode_signature(program: &Program<'_>) -> Table {
    let names = |values: &[ValueId]| {
        let entries = values.iter().map(|value| {
            Table::new()
                .text(tensor_map::NAME, &program.values[value.0].name)
                .int(tensor_map::TENSOR, value.0 as i32)
        });
        entries.collect()
    };
    Table::new()
        .tables(signature::INPUTS, names(&program.inputs))
        .tables(signature::OUTPUTS, names(&program.outputs))
        .text(signature::KEY, SIGNATURE)
        .int(signature::SUBGRAPH, 0)
}

//! Tests of the contents of written files. They decode the files with the messages of the writer; the wire format itself
//! is checked against bytes that the reference implementation of ONNX (1.23) reads and writes back unchanged.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use prost::Message;

use super::proto::{DimensionSize, GraphProto, ModelProto, ValueInfoProto};
use super::{
    Batch, INPUT_NAME, LOGITS_NAME, MAX_FILE_BYTES, OnnxError, OnnxOptions, RandomWeights, WeightSource, encode,
};
use crate::{Architecture, BlockKey, Graph, Op, ParameterSpec};

/// Network with many kinds of blocks, activations and gates, and an odd input size, which strides do not divide.
const MIXED: &str = "in97,conv_k3_s2_c16_nhs,ds_k5_c24_se0.25_nre,ir_r2_k3_s2_e3_c24_nr6,\
    ir_k5_h30_c24_sq5_gsi_nsw,id_s2_c32,id_c32,conv_k1_c48_nhs,head_f20_nhs_o7";

const RANDOM: RandomWeights = RandomWeights { seed: 3 };

fn graph(text: &str) -> Graph {
    text.parse::<Architecture>().unwrap().graph()
}

fn block(text: &str) -> Graph {
    text.parse::<BlockKey>().unwrap().graph()
}

fn unfolded() -> OnnxOptions {
    OnnxOptions {
        fold_batch_norm: false,
        ..OnnxOptions::default()
    }
}

fn decode(graph: &Graph, options: &OnnxOptions) -> GraphProto {
    let bytes = encode(graph, &RANDOM, options).unwrap();
    ModelProto::decode(bytes.as_slice()).unwrap().graph.unwrap()
}

fn count(proto: &GraphProto, op_type: &str) -> usize {
    proto.node.iter().filter(|node| node.op_type == op_type).count()
}

/// Describes a value by name and shape: `logits [batch, 10]`.
fn describe(info: &ValueInfoProto) -> String {
    let shape = info.value_type.clone().unwrap().tensor_type.unwrap().shape.unwrap();
    let sizes = shape.dim.into_iter().map(|dimension| match dimension.size.unwrap() {
        DimensionSize::Value(size) => size.to_string(),
        DimensionSize::Parameter(name) => name,
    });
    format!("{} [{}]", info.name, sizes.collect::<Vec<_>>().join(", "))
}

#[test]
fn unfolded_files_have_every_tensor_unchanged() {
    let graph = graph(MIXED);
    let proto = decode(&graph, &unfolded());
    for parameter in graph.parameters() {
        let tensor = proto
            .initializer
            .iter()
            .find(|tensor| tensor.name == parameter.name)
            .unwrap();
        let values = RANDOM.values(&parameter).unwrap();
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert!(tensor.raw_data == bytes, "{}", parameter.name);
        assert_eq!(
            tensor.dims,
            parameter.shape.iter().map(|size| *size as i64).collect::<Vec<_>>()
        );
    }
    assert_eq!(
        proto.initializer.len(),
        graph.parameters().count() + 2,
        "all tensors and the two bounds of ReLU6"
    );
}

#[test]
fn folding_removes_batch_norm_and_gives_each_convolution_a_bias() {
    let graph = graph(MIXED);
    let convolutions = graph
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Convolution { .. }))
        .count();
    let batch_norms = graph
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::BatchNorm { .. }))
        .count();
    let plain = decode(&graph, &unfolded());
    let folded = decode(&graph, &OnnxOptions::default());
    assert_eq!(
        [count(&plain, "Conv"), count(&plain, "BatchNormalization")],
        [convolutions, batch_norms]
    );
    assert_eq!(
        [count(&folded, "Conv"), count(&folded, "BatchNormalization")],
        [convolutions, 0]
    );
    assert_eq!(folded.node.len(), plain.node.len() - batch_norms);
    assert!(
        folded
            .node
            .iter()
            .filter(|node| node.op_type == "Conv")
            .all(|node| node.input.len() == 3)
    );
    let values: usize = folded.initializer.iter().map(|tensor| tensor.raw_data.len() / 4).sum();
    assert_eq!(values as u64, crate::Cost::of(&graph).folded_params + 2);
}

#[test]
fn small_network_in_full() {
    let proto = decode(
        &graph("in9,conv_k3_s2_c8_nr6,ir_k5_e1_c8_se0.25_nsw,head_f4_nhs_o2"),
        &OnnxOptions::default(),
    );
    let mut listing = String::new();
    for node in &proto.node {
        writeln!(
            listing,
            "{} = {}({})",
            node.output.join(", "),
            node.op_type,
            node.input.join(", ")
        )
        .unwrap();
    }
    let values = proto.input.iter().chain(&proto.value_info).chain(&proto.output);
    let shapes: Vec<String> = values.map(describe).collect();
    insta::assert_snapshot!(format!("{listing}\n{}", shapes.join("\n")));
}

#[test]
fn block_without_operations_is_an_identity() {
    let proto = decode(&block("id_c24@24x14x14"), &OnnxOptions::default());
    assert_eq!(proto.node.len(), 1);
    assert_eq!(proto.node[0].op_type, "Identity");
    assert_eq!(proto.node[0].input, [INPUT_NAME]);
    assert_eq!(describe(&proto.output[0]), "output [1, 24, 14, 14]");
}

#[test]
fn head_alone_ends_in_logits() {
    let proto = decode(&block("head_o10@32x7x7"), &OnnxOptions::default());
    assert_eq!(describe(&proto.input[0]), "input [1, 32, 7, 7]");
    assert_eq!(describe(&proto.output[0]), "logits [1, 10]");
}

#[test]
fn batch_is_a_number_or_a_name() {
    let graph = block("ir_k3_s2_e6_c24_nr6@16x15x15");
    let fixed = decode(
        &graph,
        &OnnxOptions {
            batch: Batch::Fixed(8),
            ..OnnxOptions::default()
        },
    );
    assert_eq!(describe(&fixed.input[0]), "input [8, 16, 15, 15]");
    let dynamic = decode(
        &graph,
        &OnnxOptions {
            batch: Batch::Dynamic,
            ..OnnxOptions::default()
        },
    );
    assert_eq!(describe(&dynamic.input[0]), "input [batch, 16, 15, 15]");
    assert_eq!(describe(&dynamic.output[0]), "output [batch, 24, 8, 8]");
}

#[test]
fn versions_name_and_metadata_are_kept() {
    let metadata = vec![("architecture".to_owned(), MIXED.to_owned())];
    let options = OnnxOptions {
        name: "mixed".to_owned(),
        metadata,
        ..OnnxOptions::default()
    };
    let bytes = encode(&graph(MIXED), &RANDOM, &options).unwrap();
    let model = ModelProto::decode(bytes.as_slice()).unwrap();
    assert_eq!((model.ir_version, model.opset_import[0].version), (8, 17));
    assert_eq!(model.metadata_props[0].value, MIXED);
    assert_eq!(model.graph.unwrap().name, "mixed");
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let graph = graph(MIXED);
    let bytes = |seed| encode(&graph, &RandomWeights { seed }, &OnnxOptions::default()).unwrap();
    assert!(bytes(1) == bytes(1));
    assert!(bytes(1) != bytes(2));
}

/// Compares with bytes that `onnx.checker` of the reference implementation accepts and its protocol buffers write back
/// unchanged, which confirms field numbers and wire types. Repeat that check for new bytes after an intended change.
#[test]
fn bytes_are_those_of_the_reference_implementation() {
    let graph = block("conv_k1_c1_nr6@1x1x1");
    let weights: HashMap<_, _> = graph
        .parameters()
        .map(|parameter| (parameter.name, vec![1.0]))
        .collect();
    let metadata = vec![("architecture".to_owned(), "conv".to_owned())];
    let options = OnnxOptions {
        batch: Batch::Dynamic,
        metadata,
        ..unfolded()
    };
    let bytes = encode(&graph, &weights, &options).unwrap();
    let mut model = ModelProto::decode(bytes.as_slice()).unwrap();
    model.producer_version = "0".to_owned();
    let mut dump = String::new();
    for line in model.encode_to_vec().chunks(24) {
        for byte in line {
            write!(dump, "{byte:02x}").unwrap();
        }
        let text = line.iter().map(|byte| {
            if byte.is_ascii_graphic() {
                char::from(*byte)
            } else {
                '.'
            }
        });
        writeln!(dump, " {}", text.collect::<String>()).unwrap();
    }
    insta::assert_snapshot!(dump);
}

/// Returns the error of writing with weights in which `change` removed or modified a tensor.
fn broken(graph: &Graph, change: impl FnOnce(&mut HashMap<String, Vec<f32>>)) -> OnnxError {
    let values = |parameter: &ParameterSpec| RANDOM.values(parameter).unwrap().into_owned();
    let mut weights: HashMap<_, _> = graph.parameters().map(|p| (p.name.clone(), values(&p))).collect();
    assert!(encode(graph, &weights, &OnnxOptions::default()).is_ok());
    change(&mut weights);
    encode(graph, &weights, &OnnxOptions::default()).unwrap_err()
}

#[test]
fn weights_of_another_network_are_refused_by_name() {
    let graph = graph("in8,conv_k3_c4_nre,head_o2");
    let missing = broken(&graph, |weights| {
        weights.remove("head.classifier.linear.bias");
    });
    insta::assert_snapshot!(missing, @"the weights have no tensor `head.classifier.linear.bias` (shape [2]); they must belong to the same architecture");
    let short = broken(&graph, |weights| {
        weights.insert("blocks.0.main.conv.weight".to_owned(), vec![0.0; 100]);
    });
    insta::assert_snapshot!(short, @"tensor `blocks.0.main.conv.weight` has 100 values, but its shape [4, 3, 3, 3] needs 108; the weights must belong to the same architecture");
    let variance = broken(&graph, |weights| {
        weights.insert("blocks.0.main.bn.running_var".to_owned(), vec![1.0, -1.0, 1.0, 1.0]);
    });
    insta::assert_snapshot!(variance, @"tensor `blocks.0.main.bn.running_var` is -1 at channel 1; a variance must be a number of at least 0");
}

#[test]
fn impossible_files_are_refused_before_writing() {
    let huge = graph("in8,conv_k31_c16384_nre,conv_k31_c16384_nre,head_o2");
    let error = encode(&huge, &RANDOM, &OnnxOptions::default()).unwrap_err();
    assert!(
        matches!(error, OnnxError::TooLarge { bytes } if bytes > MAX_FILE_BYTES),
        "{error}"
    );
    let none = OnnxOptions {
        batch: Batch::Fixed(0),
        ..OnnxOptions::default()
    };
    assert_eq!(
        encode(&graph(MIXED), &RANDOM, &none).unwrap_err(),
        OnnxError::EmptyBatch
    );
}

/// Strategy for architecture strings with random sequences of blocks.
fn architectures() -> impl Strategy<Value = String> {
    let activation = prop::sample::select(vec!["re", "r6", "hs", "sw"]);
    let squeeze = prop::sample::select(vec!["", "_se0.25", "_sq3", "_se0.25_gsi", "_sq7_gsi"]);
    let geometry = (
        prop::sample::select(vec![1u32, 3, 5, 7]),
        1u32..4,
        prop::sample::select(vec![4u32, 8, 12]),
    );
    let block =
        (0..4, geometry, 1u32..4, squeeze, activation).prop_map(|(kind, (k, s, c), e, squeeze, n)| match kind {
            0 => format!("conv_k{k}_s{s}_c{c}_n{n}"),
            1 => format!("ds_k{k}_s{s}_c{c}{squeeze}_n{n}"),
            2 => format!("ir_k{k}_s{s}_e{e}_c{c}{squeeze}_n{n}"),
            _ => format!("id_s{s}_c{c}"),
        });
    (
        1u32..70,
        prop::collection::vec(block, 1..6),
        prop::sample::select(vec!["_o3", "_f5_nhs_o1", "_f4_nsw_o2"]),
    )
        .prop_map(|(resolution, blocks, head)| format!("in{resolution},{},head{head}", blocks.join(",")))
}

proptest! {
    #[test]
    fn values_are_computed_once_and_before_they_are_read(text in architectures(), fold in any::<bool>()) {
        let options = OnnxOptions { fold_batch_norm: fold, ..OnnxOptions::default() };
        let proto = decode(&graph(&text), &options);
        let mut known: HashSet<&str> = HashSet::from([INPUT_NAME]);
        for tensor in &proto.initializer {
            prop_assert!(known.insert(&tensor.name), "{}", tensor.name);
            let elements: i64 = tensor.dims.iter().product();
            prop_assert_eq!(tensor.raw_data.len() as i64, 4 * elements);
        }
        let mut read: HashSet<&str> = HashSet::new();
        let mut names: HashSet<&str> = HashSet::new();
        for node in &proto.node {
            prop_assert!(node.input.iter().all(|input| known.contains(input.as_str())), "{}", node.name);
            prop_assert!(node.output.iter().all(|output| known.insert(output)), "{}", node.name);
            prop_assert!(names.insert(&node.name), "{}", node.name);
            read.extend(node.input.iter().map(String::as_str));
        }
        prop_assert!(proto.initializer.iter().all(|tensor| read.contains(tensor.name.as_str())));
        prop_assert!(proto.value_info.iter().all(|info| known.contains(info.name.as_str())));
        prop_assert_eq!(&proto.node.last().unwrap().output[0], LOGITS_NAME);
    }

    #[test]
    fn trained_tensors_are_the_parameters_that_cost_counts(text in architectures()) {
        let graph = graph(&text);
        let trained = graph.parameters().filter(|parameter| parameter.kind.is_trained());
        prop_assert_eq!(trained.map(|p| p.elements() as u64).sum::<u64>(), crate::Cost::of(&graph).params);
    }
}

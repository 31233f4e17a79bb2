//! Tests of the contents of written files. `mnas-latency` compares their results in LiteRT with those of ONNX Runtime.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use super::program::{Content, Extent, Program};
use super::schema::tensor_type;
use super::store::{Stored, store};
use super::{
    Classifier, Interface, MAX_FILE_BYTES, Outputs, Precision, TfliteError, TfliteOptions, activations, encode, lower,
};
use crate::quantisation::{Range, Ranges};
use crate::{Architecture, BlockKey, Graph, ParameterSpec, RandomWeights, TensorId, WeightSource};

const RANDOM: RandomWeights = RandomWeights { seed: 3 };

/// Network with many kinds of blocks, activations and gates, and an odd input size, which strides do not divide.
const MIXED: &str = "in97,conv_k3_s2_c16_nhs,ds_k5_c24_se0.25_nre,ir_r2_k3_s2_e3_c24_nr6,er_k3_e4_c24_nre,\
    ir_k5_h30_c24_sq5_gsi_nsw,uib_a5_k3_e4_c24_nge_ls,ir_k3_e1_c24_gr2_nre,id_s2_c32,conv_k1_c48_nhs,head_f20_nhs_o7";

fn graph(text: &str) -> Graph {
    text.parse::<Architecture>().unwrap().graph()
}

fn block(text: &str) -> Graph {
    text.parse::<BlockKey>().unwrap().graph()
}

fn uniform() -> Ranges {
    Ranges::uniform(Range::new(-4.0, 4.0).unwrap())
}

fn int8(interface: Interface) -> TfliteOptions {
    let precision = Precision::Int8 {
        ranges: uniform(),
        interface,
    };
    TfliteOptions {
        precision,
        ..TfliteOptions::default()
    }
}

fn half() -> TfliteOptions {
    TfliteOptions {
        precision: Precision::Float16,
        ..TfliteOptions::default()
    }
}

/// Lists operators with the names of their operands, then values with their shapes.
fn listing(graph: &Graph, options: &TfliteOptions) -> String {
    let program = lower::lower(graph, &RANDOM, options).unwrap();
    let name = |index: usize| program.values[index].name.as_str();
    let mut text = String::new();
    for operator in &program.operators {
        let operands: Vec<&str> = operator.inputs.iter().map(|value| name(value.0)).collect();
        let (output, operands) = (name(operator.output.0), operands.join(", "));
        writeln!(text, "{output} = {:?}({operands})", operator.kind).unwrap();
    }
    for value in &program.values {
        write!(text, "\n{} {:?}", value.name, value.shape).unwrap();
    }
    text
}

#[test]
fn small_network_in_full() {
    let graph = graph("in10,conv_k3_s2_c8_nr6,ir_k5_e1_c8_se0.25_nhs,head_f4_nre_o2");
    insta::assert_snapshot!(listing(&graph, &TfliteOptions::default()));
}

#[test]
fn hard_swish_in_8_bits_is_made_of_operators_that_accelerators_have() {
    let graph = block("conv_k1_c8_nhs@8x4x4");
    insta::assert_snapshot!(listing(&graph, &int8(Interface::Float32)));
}

#[test]
fn channel_shuffle_transposes_the_matrix_of_channels() {
    insta::assert_snapshot!(listing(&block("ir_k3_e1_c8_gr2_nre@8x4x4"), &TfliteOptions::default()));
}

#[test]
fn block_without_operations_is_a_reshape() {
    insta::assert_snapshot!(listing(&block("id_c24@24x14x14"), &TfliteOptions::default()), @"
    output = Reshape { shape: [1, 14, 14, 24] }(input, output.shape)

    input [1, 14, 14, 24]
    output.shape [4]
    output [1, 14, 14, 24]
    ");
}

#[test]
fn weights_of_16_bit_floats_are_widened_by_operators() {
    let listing = listing(&block("head_o3@4x2x2"), &half());
    insta::assert_snapshot!(listing, @"
    head.features.pool = Mean(input, head.features.pool.axes)
    head.classifier.linear.weight.float = Dequantise(head.classifier.linear.weight)
    logits = FullyConnected { activation: None }(head.features.pool, head.classifier.linear.weight.float, head.classifier.linear.bias)

    input [1, 2, 2, 4]
    head.features.pool.axes [2]
    head.features.pool [1, 1, 1, 4]
    head.classifier.linear.weight [3, 4]
    head.classifier.linear.weight.float [3, 4]
    head.classifier.linear.bias [3]
    logits [1, 3]
    ");
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let graph = graph(MIXED);
    for options in [TfliteOptions::default(), half(), int8(Interface::Int8)] {
        let bytes = |seed| encode(&graph, &RandomWeights { seed }, &options).unwrap();
        assert!(bytes(1) == bytes(1));
        assert!(bytes(1) != bytes(2));
    }
}

#[test]
fn files_hold_little_more_than_their_weights() {
    let graph = graph("in32,conv_k3_s2_c64_nhs,conv_k3_s2_c128_nre,conv_k1_c1280_nhs,head_o1000");
    let weights = crate::Cost::of(&graph).folded_params as usize;
    let sizes = [(TfliteOptions::default(), 4), (half(), 2), (int8(Interface::Int8), 1)];
    for (options, bytes_per_weight) in sizes {
        let bytes = encode(&graph, &RANDOM, &options).unwrap().len();
        let least = bytes_per_weight * weights;
        assert!(bytes > least && bytes < least + 100_000, "{bytes} {least}");
    }
}

/// Program of a graph with its stored values.
fn stored<'w>(graph: &'w Graph, options: &TfliteOptions) -> (Program<'w>, Vec<Stored>) {
    let program = lower::lower(graph, &RANDOM, options).unwrap();
    let stored = store(&program, &options.precision).unwrap();
    (program, stored)
}

#[test]
fn names_are_unique_and_constants_have_the_bytes_of_their_shape() {
    let graph = graph(MIXED);
    for options in [
        TfliteOptions::default(),
        half(),
        int8(Interface::Float32),
        int8(Interface::Int8),
    ] {
        let (program, stored) = stored(&graph, &options);
        let mut names = BTreeSet::new();
        for (value, stored) in program.values.iter().zip(&stored) {
            assert!(names.insert(&value.name), "{}", value.name);
            let bytes = match stored.tensor_type {
                tensor_type::INT8 => 1,
                tensor_type::FLOAT16 => 2,
                _ => 4,
            };
            let is_constant = !matches!(value.content, Content::Activation(_) | Content::Float);
            let expected = is_constant.then(|| bytes * value.shape.iter().product::<usize>());
            assert_eq!(stored.data.as_ref().map(Vec::len), expected, "{}", value.name);
        }
    }
}

#[test]
fn biases_have_the_scale_of_the_products_that_they_are_added_to() {
    let graph = graph(MIXED);
    let (program, stored) = stored(&graph, &int8(Interface::Int8));
    let scales = |index: usize| &stored[index].quantisation.as_ref().unwrap().factors;
    for (index, value) in program.values.iter().enumerate() {
        let Content::Bias { input, weight, .. } = value.content else {
            continue;
        };
        assert_eq!(stored[index].tensor_type, tensor_type::INT32);
        let products: Vec<f32> = scales(weight.0)
            .iter()
            .map(|weight| scales(input.0)[0] * weight)
            .collect();
        assert_eq!(*scales(index), products);
    }
}

#[test]
fn calibration_files_have_an_output_for_each_calibrated_tensor() {
    let graph = graph(MIXED);
    let options = TfliteOptions {
        outputs: Outputs::Activations,
        ..TfliteOptions::default()
    };
    let program = lower::lower(&graph, &RANDOM, &options).unwrap();
    let outputs: Vec<TensorId> = program
        .outputs
        .iter()
        .map(|output| match program.values[output.0].content {
            Content::Activation(Extent::Calibrated(tensor)) => tensor,
            _ => panic!("{} is not calibrated", program.values[output.0].name),
        })
        .collect();
    assert_eq!(outputs, activations(&graph)[1..]);
    // Ranges for exactly these tensors are enough to write a file with 8-bit integers.
    let range = Range::new(-1.0, 2.0).unwrap();
    let mut ranges: Ranges = activations(&graph).into_iter().map(|tensor| (tensor, range)).collect();
    let write = |ranges: &Ranges| {
        let precision = Precision::Int8 {
            ranges: ranges.clone(),
            interface: Interface::Float32,
        };
        let options = TfliteOptions {
            precision,
            ..TfliteOptions::default()
        };
        encode(&graph, &RANDOM, &options)
    };
    assert!(write(&ranges).is_ok());
    ranges = activations(&graph)
        .into_iter()
        .skip(1)
        .map(|tensor| (tensor, range))
        .collect();
    let error = write(&ranges).unwrap_err();
    insta::assert_snapshot!(error, @"no range of values for `input.quantised`; calibrate the network for int8 with images first");
}

#[test]
fn labels_belong_to_classes() {
    let graph = graph("in8,conv_k3_c4_nre,head_o2");
    let write = |labels: &[&str]| {
        let classifier = Classifier {
            mean: vec![127.5; 3],
            deviation: vec![127.5; 3],
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        };
        let options = TfliteOptions {
            classifier: Some(classifier),
            ..TfliteOptions::default()
        };
        encode(&graph, &RANDOM, &options)
    };
    let contains = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let named = write(&["cat", "dog"]).unwrap();
    assert!(contains(&named, "cat\ndog\n") && contains(&named, "TFLITE_METADATA"));
    assert!(!contains(&write(&[]).unwrap(), "labels.txt"));
    insta::assert_snapshot!(write(&["cat"]).unwrap_err(), @"1 labels for a network of 2 classes");
}

#[test]
fn unfit_weights_are_refused_by_name() {
    let graph = graph("in8,conv_k3_c4_nre,head_o2");
    let values = |parameter: &ParameterSpec| RANDOM.values(parameter).map(Cow::into_owned);
    let mut weights: HashMap<_, _> = graph
        .parameters()
        .map(|parameter| (parameter.name.clone(), values(&parameter).unwrap()))
        .collect();
    let name = "head.classifier.linear.weight";
    weights.insert(name.to_owned(), vec![70_000.0; 8]);
    insta::assert_snapshot!(encode(&graph, &weights, &half()).unwrap_err(), @"tensor `head.classifier.linear.weight` has the value 70000, which fp16 cannot hold; use fp32 for these weights");
    weights.insert(name.to_owned(), vec![f32::NAN; 8]);
    insta::assert_snapshot!(encode(&graph, &weights, &int8(Interface::Int8)).unwrap_err(), @"tensor `head.classifier.linear.weight` has the value NaN, which int8 cannot hold; use fp32 for these weights");
    weights.remove(name);
    let missing = encode(&graph, &weights, &TfliteOptions::default()).unwrap_err();
    insta::assert_snapshot!(missing, @"the weights have no tensor `head.classifier.linear.weight` (shape [2, 4]); they must belong to the same architecture");
}

#[test]
fn files_that_are_too_large_are_refused_before_writing() {
    let huge = graph("in8,conv_k31_c16384_nre,conv_k31_c16384_nre,head_o2");
    let error = encode(&huge, &RANDOM, &TfliteOptions::default()).unwrap_err();
    assert!(
        matches!(error, TfliteError::TooLarge { bytes } if bytes > MAX_FILE_BYTES),
        "{error}"
    );
}

use prost::Message;

use super::proto::{GraphProto, ModelProto};
use super::*;
use crate::{Architecture, Graph};

const MIXED: &str = "in97,conv_k3_s2_c16_nhs,ds_k5_c24_se0.25_nre,ir_r2_k3_s2_e3_c24_nr6,\
    ir_k5_h30_c24_sq5_gsi_nsw,id_s2_c32,id_c32,conv_k1_c48_nhs,head_f20_nhs_o7";

fn graph(text: &str) -> Graph {
    text.parse::<Architecture>().unwrap().graph()
}

fn decode(graph: &Graph, options: &OnnxOptions) -> GraphProto {
    let bytes = encode(graph, &RandomWeights { seed: 3 }, options).unwrap();
    ModelProto::decode(bytes.as_slice()).unwrap().graph.unwrap()
}

fn unfolded() -> OnnxOptions {
    OnnxOptions { fold_batch_norm: false, ..OnnxOptions::default() }
}

#[test]
fn unfolded_file_has_every_tensor_of_the_graph() {
    let graph = graph(MIXED);
    let proto = decode(&graph, &unfolded());
    for parameter in graph.parameters() {
        let tensor = proto.initializer.iter().find(|tensor| tensor.name == parameter.name).unwrap();
        assert_eq!(tensor.raw_data.len(), 4 * parameter.elements(), "{}", parameter.name);
    }
    assert_eq!(proto.initializer.len(), graph.parameters().count() + 2, "all tensors and the two bounds of ReLU6");
}

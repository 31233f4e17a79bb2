use std::path::Path;

use mnas_engine::training::weights::Weights;
use mnas_space::Architecture;

use super::{load_weights, weights_of};
use crate::Network;
use crate::testing::{all_values, info, network, noise, values};

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ir_k3_e2_c8_se0.25_nre,head_f16_nhs_o4";

/// A network whose running statistics are not 0 and 1.
fn used_network() -> Network {
    let network = network(SMALL, 1);
    drop(tch::no_grad(|| network.forward(&noise(4, 16, 2), true)).unwrap());
    network
}

#[test]
fn a_network_is_restored_to_every_bit_and_can_be_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let first = used_network();
    weights_of(&first, info(SMALL)).unwrap().write(&path).unwrap();

    let mut other = network(SMALL, 2);
    load_weights(&Weights::read(&path).unwrap(), &mut other, &path).unwrap();
    assert_eq!(all_values(&other), all_values(&first));
    let scores = |network: &Network| values(&tch::no_grad(|| network.forward(&noise(2, 16, 3), false)).unwrap());
    assert_eq!(scores(&other), scores(&first));
    other
        .forward(&noise(2, 16, 3), true)
        .unwrap()
        .sum(tch::Kind::Float)
        .backward();
    assert!(
        other
            .tensors()
            .all(|(spec, tensor)| tensor.grad().defined() == spec.kind.is_trained())
    );
}

#[test]
fn weights_that_do_not_fit_leave_the_network_as_it_was() {
    let weights = weights_of(&used_network(), info(SMALL)).unwrap();
    let mut other = network(&SMALL.replace("o4", "o5"), 2);
    let before = all_values(&other);
    let error = load_weights(&weights, &mut other, Path::new("weights.safetensors"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("score 4 classes (tensor `head.classifier.linear.weight`), the architecture 5"),
        "{error}"
    );
    assert_eq!(all_values(&other), before);
}

#[test]
fn names_of_tensors_are_those_of_the_graph() {
    let weights = weights_of(&used_network(), info(SMALL)).unwrap();
    let mut names: Vec<String> = SMALL
        .parse::<Architecture>()
        .unwrap()
        .graph()
        .parameters()
        .map(|spec| spec.name)
        .collect();
    names.sort();
    assert!(weights.tensors().map(|(name, ..)| name).eq(names));
}

use mnas_space::{Architecture, SearchSpace};
use tch::{Device, Tensor};

use super::Network;
use crate::testing::{all_values, network, noise, values};
use mnas_space::random::stream;

/// Networks drawn from the embedded spaces, at resolutions that leave odd and single-pixel feature maps.
fn drawn() -> Vec<Architecture> {
    let mut networks = Vec::new();
    for (name, resolutions) in [
        ("mobilenet-small-images", &[17, 24, 33, 97][..]),
        ("mobilenet", &[17, 33, 64, 97]),
    ] {
        let space = SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap();
        for index in 0..12u64 {
            let genotype = space.sample(&mut stream(3, name, index, 0));
            let resolution = resolutions[index as usize % resolutions.len()];
            networks.push(space.express(&genotype, 2 + index as u32).with_resolution(resolution));
        }
    }
    networks
}

/// The output of every node.
pub(super) fn walk(network: &Network, images: &Tensor) -> Vec<Tensor> {
    let mut values = vec![images.shallow_clone()];
    for (index, node) in network.graph().nodes.iter().enumerate() {
        // Copies, since activations overwrite their operand.
        let copy = |tensor: mnas_space::TensorId| values[tensor.0 as usize].copy();
        let output = network
            .run(index, node, copy(node.inputs.0), node.inputs.1.map(copy), None)
            .unwrap();
        values.push(output);
    }
    values.split_off(1)
}

pub(super) fn is_channels_last(tensor: &Tensor) -> bool {
    tensor.permute([0, 2, 3, 1]).is_contiguous()
}

#[test]
fn networks_of_the_spaces_have_the_shapes_and_counts_of_their_graphs() {
    for architecture in drawn() {
        let network = Network::new(architecture.graph(), Device::Cpu, 1).unwrap();
        let side = i64::from(architecture.resolution);
        let images = super::channels_last(&noise(2, side, 5)).unwrap();
        let outputs = tch::no_grad(|| walk(&network, &images));
        for (node, output) in network.graph().nodes.iter().zip(&outputs) {
            let shape = node.output;
            let mut expected = vec![2, i64::from(shape.channels)];
            if output.dim() == 4 {
                expected.extend([i64::from(shape.height), i64::from(shape.width)]);
                assert!(is_channels_last(output), "{architecture}: {}", node.name);
            } else {
                assert_eq!((shape.height, shape.width), (1, 1));
            }
            assert_eq!(output.size(), expected, "{architecture}: {}", node.name);
        }
        let scores = tch::no_grad(|| network.forward(&images, false)).unwrap();
        assert_eq!(scores.size(), [2, i64::from(architecture.head.classes)]);
        assert_eq!(values(&scores), values(outputs.last().unwrap()), "{architecture}");

        let trained = network.tensors().filter(|(spec, _)| spec.kind.is_trained());
        let count: usize = trained.map(|(_, tensor)| tensor.numel()).sum();
        assert_eq!(count as u64, architecture.cost().params, "{architecture}");
        for (spec, tensor) in network.tensors() {
            let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
            assert_eq!(shape, spec.shape, "{architecture}: {}", spec.name);
            assert!(
                tensor.dim() != 4 || is_channels_last(tensor),
                "{architecture}: {}",
                spec.name
            );
        }
    }
}

#[test]
fn every_trained_tensor_receives_a_gradient_and_no_other() {
    for architecture in drawn().iter().step_by(3) {
        let network = Network::new(architecture.graph(), Device::Cpu, 1).unwrap();
        let images = super::channels_last(&noise(2, i64::from(architecture.resolution), 5)).unwrap();
        network
            .forward(&images, true)
            .unwrap()
            .square()
            .mean(tch::Kind::Float)
            .backward();
        for (spec, tensor) in network.tensors() {
            let gradient = tensor.grad();
            assert_eq!(
                gradient.defined(),
                spec.kind.is_trained(),
                "{architecture}: {}",
                spec.name
            );
            if gradient.defined() {
                assert!(
                    values(&gradient).iter().all(|value| value.is_finite()),
                    "{architecture}: {}",
                    spec.name
                );
                assert!(
                    gradient.dim() != 4 || is_channels_last(&gradient),
                    "{architecture}: {}",
                    spec.name
                );
            }
        }
    }
}

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ir_r2_k3_e2_c8_se0.25_nre,head_f16_nhs_o4";

#[test]
fn evaluation_changes_nothing_and_looks_at_each_image_alone() {
    let network = network(SMALL, 1);
    let images = noise(3, 16, 2);
    let before = all_values(&network);
    let first = tch::no_grad(|| network.forward(&images, false)).unwrap();
    let again = tch::no_grad(|| network.forward(&images, false)).unwrap();
    assert_eq!(values(&first), values(&again));
    assert_eq!(all_values(&network), before);
    for index in 0..3 {
        let alone = tch::no_grad(|| network.forward(&images.narrow(0, index, 1), false)).unwrap();
        let difference = (alone - first.narrow(0, index, 1)).abs().max().double_value(&[]);
        assert!(difference < 1e-6, "{difference}");
    }
    // Operations in place do not overwrite the images of the caller.
    assert_eq!(values(&images), values(&noise(3, 16, 2)));
}

#[test]
fn training_moves_running_statistics_and_nothing_else() {
    let network = network(SMALL, 1);
    let before = all_values(&network);
    drop(tch::no_grad(|| network.forward(&noise(4, 16, 2), true)).unwrap());
    for ((spec, tensor), old) in network.tensors().zip(&before) {
        assert_eq!(values(tensor) == *old, spec.kind.is_trained(), "{}", spec.name);
    }
}

#[test]
fn weights_follow_from_the_seed() {
    let first = all_values(&network(SMALL, 5));
    assert_eq!(all_values(&network(SMALL, 5)), first);
    assert_ne!(all_values(&network(SMALL, 6)), first);
    assert_ne!(all_values(&network(SMALL, u64::MAX)), first);
}

#[test]
fn networks_built_at_the_same_time_do_not_disturb_each_other() {
    let alone: Vec<_> = (0..4).map(|seed| all_values(&network(SMALL, seed))).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|seed| scope.spawn(move || (0..20).map(|_| all_values(&network(SMALL, seed))).collect::<Vec<_>>()))
            .collect();
        for (thread, alone) in threads.into_iter().zip(&alone) {
            assert!(thread.join().unwrap().iter().all(|built| built == alone));
        }
    });
}

#[test]
fn initial_weights_have_the_spread_of_torchvision() {
    let network = network("in16,conv_k3_s2_c64_nhs,conv_k3_c128_nhs,head_f512_nhs_o100", 3);
    let spread = |name: &str| {
        let (_, tensor) = network.tensors().find(|(spec, _)| spec.name == name).unwrap();
        tensor.detach().std(false).double_value(&[])
    };
    let expected = (2.0 / (128.0 * 9.0f64)).sqrt();
    assert!((spread("blocks.1.main.conv.weight") / expected - 1.0).abs() < 0.02);
    assert!((spread("head.hidden.linear.weight") / 0.01 - 1.0).abs() < 0.02);
    assert!(spread("head.hidden.linear.bias").abs() < 1e-12);
}

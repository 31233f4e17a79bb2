//! Shapes, parameters and multiply-adds of graphs equal those of libtorch's modules: random networks of every block type at odd
//! resolutions.

use std::collections::HashSet;

use mnas_space::{Cost, Op};
use tch::Device;

use super::tests::{is_channels_last, walk};
use super::{Network, channels_last};
use crate::testing::{any_architecture, noise, shake};

const NETWORKS: u64 = 250;

#[test]
fn random_networks_have_the_shapes_and_counts_of_libtorch() {
    tch::set_num_threads(1);
    let mut operations = HashSet::new();
    let mut odd = 0;
    for index in 0..NETWORKS {
        let architecture = any_architecture(index);
        let side = i64::from(architecture.resolution);
        let mut network = Network::new(architecture.graph(), Device::Cpu, index).unwrap();
        shake(&mut network, index);
        let images = channels_last(&noise(2, side, index)).unwrap();
        let outputs = tch::no_grad(|| walk(&network, &images));

        let mut counted = Cost::default();
        for (position, (node, output)) in network.graph().nodes.iter().zip(&outputs).enumerate() {
            let place = format!("{architecture}: {}", node.name);
            let stated = node.output;
            let (channels, height, width) = match output.size()[..] {
                [2, channels, height, width] => (channels, height, width),
                [2, features] => (features, 1, 1),
                _ => panic!("{place}: {:?}", output.size()),
            };
            let stated = [stated.channels, stated.height, stated.width].map(i64::from);
            assert_eq!(stated, [channels, height, width], "{place}");
            assert!(output.dim() == 2 || is_channels_last(output), "{place}");

            let tensors = &network.tensors[network.first_tensor[position]..];
            let tensors = &tensors[..node.parameters().count()];
            let numbers: u64 = tensors.iter().map(|tensor| tensor.numel() as u64).sum();
            match node.op {
                Op::Convolution { .. } | Op::Linear { .. } => {
                    counted.params += numbers;
                    counted.folded_params += numbers;
                    counted.macs += tensors[0].numel() as u64 * (height * width) as u64;
                }
                Op::BatchNorm { .. } => {
                    counted.params += numbers / 2;
                    counted.batch_norm_params += numbers / 2;
                    counted.folded_params += numbers / 4;
                }
                _ => {
                    counted.params += numbers;
                    counted.folded_params += numbers;
                }
            }
            operations.insert(std::mem::discriminant(&node.op));
            odd += u32::from(height % 2 == 1 && height > 1);
        }
        // Not comparable: libtorch frees memory by its own rules.
        counted.peak_activation_bytes = architecture.cost().peak_activation_bytes;
        assert_eq!(architecture.cost(), counted, "{architecture}");

        let scores = tch::no_grad(|| network.forward(&images, false)).unwrap();
        assert_eq!(scores.size(), [2, i64::from(architecture.head.classes)]);
        let difference = (&scores - outputs.last().unwrap()).abs().max().double_value(&[]);
        assert!(difference < 1e-12, "{architecture}: {difference}");
    }
    assert_eq!(operations.len(), 10, "every primitive operation has been met");
    assert!(odd > 1_000, "{odd} odd feature maps");
}

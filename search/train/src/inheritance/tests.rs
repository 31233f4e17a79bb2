use std::collections::BTreeMap;
use std::path::Path;

use mnas_engine::training::weights::Weights;
use mnas_engine::training::{Augmentation, ExtraAugmentation, Normalization};
use mnas_space::Architecture;
use mnas_space::random::stream;
use rand::seq::SliceRandom;
use tch::{Device, Tensor};

use super::{ClassRows, Importance, Parent, Values, inherit, recalibrate};
use crate::data::BatchOptions;
use crate::network::Network;
use crate::testing::{all_values, any_architecture, images, info, network, noise, shake, values};
use crate::weights::{assign, values_of};

const PARENT: &str = "in32,conv_k3_s2_c16_nre,ir_r3_k5_s2_e6_c24_se0.25_nre,ds_k3_c32_nre,ir_r2_k3_s2_e4_c40_nre,\
                      conv_k1_c64_nre,head_f32_nhs_o4";

fn architecture(text: &str) -> Architecture {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A network as after training, and the weights of it.
fn trained(text: &str) -> (Network, Weights) {
    let mut network = network(text, 1);
    shake(&mut network, 3);
    let weights = Weights::new(values_of(&network).unwrap(), Some(info(text)));
    (network, weights)
}

fn parent(text: &str, importance: &Importance) -> (Network, Parent) {
    let (network, weights) = trained(text);
    let parent = Parent::new(
        architecture(text),
        &weights,
        Path::new("parent.safetensors"),
        importance,
    )
    .unwrap();
    (network, parent)
}

fn child(parent: &Parent, text: &str) -> Network {
    inherit(parent, &architecture(text), &ClassRows::Same, Device::Cpu, 9)
        .unwrap()
        .0
}

fn scores(network: &Network, side: i64) -> Vec<f32> {
    tch::no_grad(|| values(&network.forward(&noise(4, side, 5), false).unwrap()))
}

fn assert_close(one: &[f32], other: &[f32]) {
    let size = one.iter().fold(0f32, |most, value| most.max(value.abs()));
    for (one, other) in one.iter().zip(other) {
        assert!((one - other).abs() <= 2e-4 * size, "{one} {other}");
    }
}

#[test]
fn a_child_of_full_size_is_the_parent() {
    for index in 0..30 {
        let text = any_architecture(index).to_string();
        for importance in [Importance::Order, Importance::L1, Importance::BatchNormScale] {
            let (network, parent) = parent(&text, &importance);
            let (child, inherited) = inherit(&parent, &architecture(&text), &ClassRows::Same, Device::Cpu, 9).unwrap();
            assert_eq!(all_values(&child), all_values(&network), "{text}");
            assert_eq!((inherited.copied, inherited.share()), (inherited.params, 1.0), "{text}");
        }
    }
}

/// With channels in their order, every tensor is a corner of the parent's, and every kernel its centre.
#[test]
fn a_slice_of_the_first_channels_is_a_network_of_those_weights() {
    let text = "in32,conv_k3_s2_c8_nre,ir_r2_k3_s2_e3_c16_se0.25_nre,ds_k3_c24_nre,ir_r2_k3_s2_e2_c32_nre,conv_k1_c40_nre,\
                head_f32_nhs_o4";
    let (of_parent, parent) = parent(PARENT, &Importance::Order);
    let (found, inherited) = inherit(&parent, &architecture(text), &ClassRows::Same, Device::Cpu, 9).unwrap();
    assert_eq!(inherited.copied, inherited.params);
    let blocks = [0, 1, 2, 4, 5, 6, 7];
    assert_eq!(inherited.blocks, blocks.map(Some));

    let tensors: BTreeMap<String, &Tensor> = of_parent
        .tensors()
        .map(|(spec, tensor)| (spec.name.clone(), tensor))
        .collect();
    let mut expected = network(text, 2);
    let sliced: BTreeMap<String, Tensor> = expected
        .tensors()
        .map(|(spec, tensor)| {
            let mut name: Vec<String> = spec.name.split('.').map(str::to_owned).collect();
            if name[0] == "blocks" {
                name[1] = blocks[name[1].parse::<usize>().unwrap()].to_string();
            }
            let mut slice = tensors[&name.join(".")].detach();
            for (dimension, &size) in tensor.size().iter().enumerate() {
                let start = if dimension < 2 {
                    0
                } else {
                    (slice.size()[dimension] - size) / 2
                };
                slice = slice.narrow(dimension as i64, start, size);
            }
            (spec.name.clone(), slice)
        })
        .collect();
    expected.assign(&sliced).unwrap();
    assert_eq!(all_values(&found), all_values(&expected));
    assert_eq!(scores(&found, 32), scores(&expected, 32));
}

#[test]
fn permuted_channels_leave_the_scores_unchanged() {
    let (network, parent) = parent(PARENT, &Importance::L1);
    let classes = parent.groups().count() - 1;
    let permuted = |group: usize, count: usize| -> Vec<Option<usize>> {
        let mut order: Vec<usize> = (0..count).collect();
        // Neither the colours nor the classes.
        if group != 0 && group != classes {
            order.shuffle(&mut stream(4, "permutation", group as u64, 0));
        }
        order.into_iter().map(Some).collect()
    };
    let fresh: Values = values_of(&network).unwrap();
    let inherited = parent
        .child_of_channels(&architecture(PARENT), fresh.clone(), &ClassRows::Same, &permuted)
        .unwrap();
    assert_ne!(inherited.values, fresh);
    let mut other = crate::testing::network(PARENT, 2);
    assign(&Weights::new(inherited.values, None), &mut other).unwrap();
    assert_close(&scores(&network, 32), &scores(&other, 32));
}

#[test]
fn added_parts_have_no_effect_at_first() {
    let base = "in32,conv_k3_s2_c16_nre,ir_r2_k3_s2_e6_c24_nre,conv_k1_c64_nre,head_o4";
    let (network, parent) = parent(base, &Importance::L1);
    let expected = scores(&network, 32);
    for (text, is_exact) in [
        // More layers.
        (base.replace("ir_r2", "ir_r4"), true),
        // Larger kernels.
        (base.replace("ir_r2_k3", "ir_r2_k7"), false),
        // Squeeze-excite, with either gate.
        (base.replace("e6_c24", "e6_c24_se0.25"), false),
        (base.replace("e6_c24", "e6_c24_se0.25_gsi"), false),
        // More channels, hidden and of the stage, and of the layer before the classifier.
        (base.replace("e6_c24", "e8_c24"), false),
        (base.replace("c64", "c80"), false),
    ] {
        let found = scores(&child(&parent, &text), 32);
        if is_exact {
            assert_eq!(found, expected, "{text}");
        }
        assert_close(&expected, &found);
    }
}

#[test]
fn other_activations_and_lost_squeeze_excite_inherit_all_other_weights() {
    let (_, parent) = parent(PARENT, &Importance::L1);
    for text in [PARENT.replace("nre", "nhs"), PARENT.replace("_se0.25", "")] {
        let inherited = inherit(&parent, &architecture(&text), &ClassRows::Same, Device::Cpu, 9)
            .unwrap()
            .1;
        assert_eq!(inherited.copied, inherited.params, "{text}");
    }
}

#[test]
fn a_new_classifier_is_random_and_known_classes_keep_their_rows() {
    let (network, parent) = parent(PARENT, &Importance::L1);
    let text = PARENT.replace("_o4", "_o3");
    let found = |rows: &ClassRows| inherit(&parent, &architecture(&text), rows, Device::Cpu, 9).unwrap();
    let (_, new) = found(&ClassRows::New);
    assert_eq!(new.params - new.copied, 3 * 32 + 3);
    // Another number of classes cannot be the same classes.
    assert_eq!(found(&ClassRows::Same).1, new);
    let (_, known) = found(&ClassRows::Of(vec![Some(2), None, Some(0)]));
    assert_eq!(known.params - known.copied, 32 + 1);
    let bias = |values: &Values| values["head.classifier.linear.bias"].1.clone();
    let (before, after) = (bias(&values_of(&network).unwrap()), bias(&known.values));
    assert_eq!((after[0], after[2]), (before[2], before[0]));
}

#[test]
fn important_channels_are_kept_in_the_whole_stage() {
    let text = "in32,conv_k3_s2_c16_nre,ir_r3_k3_s2_e2_c24_nre,head_o4";
    let (network, weights) = trained(text);
    // Channel 20 of the stage is the one that everything reads.
    let mut changed = values_of(&network).unwrap();
    for (name, (shape, numbers)) in &mut changed {
        let reads = [
            "blocks.2.expand.conv",
            "blocks.3.expand.conv",
            "head.classifier.linear.weight",
        ];
        if reads.iter().any(|part| name.starts_with(part)) {
            for row in numbers.chunks_exact_mut(shape[1]) {
                row[20] = 50.0;
            }
        }
    }
    let weights = Weights::new(changed, weights.info);
    let parent = Parent::new(architecture(text), &weights, Path::new("p"), &Importance::L1).unwrap();
    let child = child(&parent, &text.replace("c24", "c8"));
    let of_child = values_of(&child).unwrap();
    for block in [1, 2, 3] {
        let name = format!("blocks.{block}.project.bn.weight");
        let (_, original) = weights
            .tensors()
            .map(|(name, _, numbers)| (name, numbers))
            .find(|one| one.0 == name)
            .unwrap();
        assert!(of_child[&name].1.contains(&original[20]), "{name}");
    }
}

#[test]
fn unusable_parents_are_refused() {
    let (network, weights) = trained(PARENT);
    let path = Path::new("some/parent.safetensors");
    let error = |text: &str, weights: &Weights| {
        Parent::new(architecture(text), weights, path, &Importance::L1)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let other = error(&PARENT.replace("ds_k3_c32", "ds_k3_c48"), &weights);
    assert!(
        other.contains("some/parent.safetensors") && other.contains("[32"),
        "{other}"
    );

    let mut values = values_of(&network).unwrap();
    values.get_mut("blocks.2.expand.conv.weight").unwrap().1[5] = f32::NAN;
    let diverged = error(PARENT, &Weights::new(values, Some(info(PARENT))));
    assert!(
        diverged.contains("`blocks.2.expand.conv.weight` contains NaN"),
        "{diverged}"
    );

    let parent = Parent::new(architecture(PARENT), &weights, path, &Importance::L1).unwrap();
    let strange = architecture("in32,conv_k3_s4_c16_nre,ir_k3_s3_e2_c24_nre,head_o4");
    let error = inherit(&parent, &strange, &ClassRows::Same, Device::Cpu, 9)
        .map(drop)
        .unwrap_err();
    assert!(
        error.to_string().contains("has no block that can be cut from"),
        "{error}"
    );
}

#[test]
fn recalibration_is_the_mean_over_batches_and_leaves_the_weights() {
    let text = "in16,conv_k3_s2_c8_nre,ir_k3_e2_c8_nre,head_o4";
    let (network, _) = trained(text);
    let before = values_of(&network).unwrap();
    let set = images(60, 4).train;
    let options = BatchOptions {
        batch_size: 20,
        resolution: 16,
        augmentation: Augmentation::None,
        extra: ExtraAugmentation::default(),
        normalization: Normalization::IMAGENET,
        seed: 1,
    };
    assert_eq!(recalibrate(&network, &set, &options, 40).unwrap(), 40);
    assert_eq!(recalibrate(&network, &set, &options, 1000).unwrap(), 60);
    let after = values_of(&network).unwrap();
    for (name, (_, numbers)) in &before {
        assert_eq!(*numbers == after[name].1, !name.contains("running"), "{name}");
    }
    // The first convolution's outputs do not depend on other statistics.
    let mut means = Tensor::zeros([8], (tch::Kind::Float, Device::Cpu));
    for batch in crate::data::Batches::train(&set, &options, 0).unwrap() {
        let (images, _) = crate::feed::tensors(&batch.unwrap()).unwrap();
        let weight = network.tensors().next().unwrap().1.detach();
        let output = images.conv2d(&weight, None::<&Tensor>, 2, 1, 1, 1);
        means += output.mean_dim([0i64, 2, 3].as_slice(), false, tch::Kind::Float) / 3.0;
    }
    assert_close(&values(&means), &after["blocks.0.main.bn.running_mean"].1);
    let again = values_of(&network).unwrap();
    recalibrate(&network, &set, &options, 1000).unwrap();
    assert_eq!(values_of(&network).unwrap(), again);
}

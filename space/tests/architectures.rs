//! Tests of architecture strings, TOML and keys: round trips, strictness, and counts compared with a naive computation.
#![allow(clippy::unwrap_used)]

use mnas_space::{Architecture, BlockKey, Op, Reference, SearchSpace};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn random_architecture(seed: u64) -> Architecture {
    let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet").unwrap()).unwrap();
    space.express(&space.sample(&mut ChaCha8Rng::seed_from_u64(seed)), 1000)
}

/// Multiply-adds computed from their definition, summed over the rows of each output.
fn naive_macs(architecture: &Architecture) -> u64 {
    let graph = architecture.graph();
    let mut macs = 0;
    for node in &graph.nodes {
        match node.op {
            Op::Convolution {
                in_channels,
                kernel,
                groups,
                ..
            } => {
                for _ in 0..node.output.height {
                    macs += u64::from(node.output.width * node.output.channels)
                        * u64::from((in_channels / groups) * kernel * kernel);
                }
            }
            Op::Linear {
                in_features,
                out_features,
            } => macs += u64::from(in_features * out_features),
            _ => {}
        }
    }
    macs
}

#[test]
fn mobilenet_v2_as_a_string() {
    let v2 = Reference::named("mobilenet-v2")
        .unwrap()
        .architecture(1.0, 224, 1000)
        .unwrap();
    assert_eq!(
        v2.to_string(),
        "in224,conv_k3_s2_c32_nr6,ir_k3_e1_c16_nr6,ir_r2_k3_s2_e6_c24_nr6,ir_r3_k3_s2_e6_c32_nr6,\
         ir_r4_k3_s2_e6_c64_nr6,ir_r3_k3_e6_c96_nr6,ir_r3_k3_s2_e6_c160_nr6,ir_k3_e6_c320_nr6,conv_k1_c1280_nr6,\
         head_o1000"
    );
}

/// Studies and tables store ids; a change of this value would invalidate all of them.
#[test]
fn ids_are_stable() {
    let v2 = Reference::named("mobilenet-v2")
        .unwrap()
        .architecture(1.0, 224, 1000)
        .unwrap();
    assert_eq!(v2.id().to_string(), "c055f73b77de86a7");
}

#[test]
fn errors_point_at_the_column() {
    let cases = [
        ("", 1, "input's side"),
        ("in224", 6, "blocks and a head"),
        ("in0,conv_k3_c8_nre,head_o10", 1, "input's side"),
        ("in32,conv_k3_c8_nre", 6, "head last"),
        ("in32,conv_k3_c8_nre,head", 21, "`o`"),
        ("in32,head_o10", 6, "at least one block"),
        ("in32,cnv_k3_c8_nre,head_o10", 6, "conv, ds, ir, er, uib, id"),
        ("in32,conv_k4_c8_nre,head_o10", 11, "odd number"),
        ("in32,conv_k3_k3_c8_nre,head_o10", 14, "once"),
        ("in32,conv_k3_c8_nxx,head_o10", 17, "nre, nr6, nhs, nsw"),
        ("in32,conv_k3_c8_e6_nre,head_o10", 17, "expected one of"),
        ("in32,ir_k3_c8_nre,head_o10", 6, "expansion"),
        ("in32,ir_k3_e6_h12_c8_nre,head_o10", 6, "one of them"),
        ("in32,conv_k3_c99999999999_nre,head_o10", 14, "whole number"),
        ("in32,conv__c8_nre,head_o10", 11, "a field"),
        ("in32,ir_k3_e6_c8_gsi_nre,head_o10", 6, "squeeze-excite"),
    ];
    for (text, column, expected) in cases {
        let error = text.parse::<Architecture>().expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

#[test]
fn early_strides_can_be_removed_without_changing_parameters() {
    let v2 = Reference::named("mobilenet-v2")
        .unwrap()
        .architecture(1.0, 32, 10)
        .unwrap();
    let small = v2.clone().without_early_strides(2);
    assert_eq!(small.cost().params, v2.cost().params);
    let last = |architecture: &Architecture| architecture.layers().last().unwrap().key.input.height;
    assert_eq!((last(&v2), last(&small)), (1, 4));
}

proptest! {
    #[test]
    fn strings_round_trip(seed in any::<u64>()) {
        let architecture = random_architecture(seed);
        let parsed: Architecture = architecture.to_string().parse().unwrap();
        prop_assert_eq!(parsed.id(), architecture.id());
        prop_assert_eq!(parsed, architecture);
    }

    #[test]
    fn toml_round_trips(seed in any::<u64>()) {
        let architecture = random_architecture(seed);
        let parsed = Architecture::from_toml(&architecture.to_toml()).unwrap();
        prop_assert_eq!(parsed, architecture);
    }

    #[test]
    fn keys_round_trip_and_their_graphs_add_up(seed in any::<u64>()) {
        let architecture = random_architecture(seed);
        let mut macs = 0;
        for layer in architecture.layers() {
            let parsed: BlockKey = layer.key.to_string().parse().unwrap();
            prop_assert_eq!(parsed, layer.key);
            let graph = layer.key.graph();
            prop_assert_eq!(graph.output_shape(), layer.output);
            macs += mnas_space::Cost::of(&graph).macs;
        }
        prop_assert_eq!(macs, architecture.cost().macs);
        prop_assert_eq!(macs, naive_macs(&architecture));
    }

    #[test]
    fn arbitrary_texts_do_not_panic(text in ".{0,200}") {
        let _ = text.parse::<Architecture>();
        let _ = text.parse::<BlockKey>();
        let _ = Architecture::from_toml(&text);
    }

    #[test]
    fn changed_texts_are_refused_or_read(seed in any::<u64>(), at in any::<prop::sample::Index>(), byte in 32u8..127) {
        let mut bytes = random_architecture(seed).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(architecture) = String::from_utf8(bytes).unwrap().parse::<Architecture>() {
            prop_assert_eq!(architecture.to_string().parse::<Architecture>().unwrap(), architecture);
        }
    }
}

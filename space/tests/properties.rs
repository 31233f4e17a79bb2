//! Properties of all networks of all spaces: written forms round-trip, ids identify lowered networks, costs equal those of
//! a naive computation, and mutation and crossover stay in the space.
#![allow(clippy::unwrap_used)]

mod naive;
mod support;

use std::collections::{HashMap, HashSet};

use mnas_space::{Activation, Architecture, ArchitectureId, Block, BlockKey, Cost, Counter};
use proptest::prelude::*;
use support::{Computation, SPACES, computation, everything, random_architecture, stream};

/// Collects the features of a network's string: block types with the codes of their fields, and with their fields.
fn collect_features(architecture: &Architecture, found: &mut HashSet<String>) {
    for layer in architecture.layers() {
        let (kind, text) = (layer.key.kind(), layer.key.to_string());
        for field in text.split('@').next().unwrap_or_default().split('_').skip(1) {
            let letters = field.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            found.insert(format!("{kind} {letters}"));
            found.insert(format!("{kind} {field}"));
        }
        if layer.key.is_nothing() {
            found.insert("id nothing".to_owned());
        }
    }
}

/// The networks of the test space include every block type with every field.
#[test]
fn the_test_space_covers_all_blocks_and_fields() {
    let mut found = HashSet::new();
    for seed in 0..4_000 {
        collect_features(&random_architecture(seed), &mut found);
    }
    let activations = Activation::ALL.map(|one| format!("n{}", one.code()));
    let mut missing = Vec::new();
    for (kind, fields) in [
        ("conv", "k1 k3 k5 s c"),
        ("ds", "k s c se sq gsi nr6 nge"),
        (
            "ir",
            "k1 k3 k5 k7 k9 s e1 e6 h c gr2 gr4 se si sq gsi snhs snsw snge noskip",
        ),
        ("er", "k1 k3 k5 s e h c se si gsi noskip"),
        ("uib", "a3 a5 k0 k3 k5 k7 s e h c nre nr6 nge ls noskip"),
        ("id", "s c nothing"),
        ("head", "o f fb fn nre nr6 nhs nge"),
    ] {
        let all = if matches!(kind, "conv" | "ir") {
            &activations[..]
        } else {
            &[]
        };
        let fields = fields.split(' ').chain(all.iter().map(String::as_str));
        missing.extend(
            fields
                .map(|field| format!("{kind} {field}"))
                .filter(|field| !found.contains(field)),
        );
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn peak_memory_and_counts_are_exact_at_every_resolution() {
    let mut counter = Counter::default();
    for resolution in 32..=260 {
        let architecture = random_architecture(u64::from(resolution)).with_resolution(resolution);
        let cost = naive::cost(&architecture);
        assert_eq!(architecture.cost(), cost, "{architecture}");
        assert_eq!(counter.count(&architecture), cost, "{architecture}");
    }
    // Published networks, whose layers are wider.
    for (index, reference) in mnas_space::Reference::all().iter().enumerate() {
        let (width, resolution) = ([0.35, 0.75, 1.4][index % 3], 95 + 6 * index as u32);
        let architecture = reference.architecture(width, resolution, 10).unwrap();
        assert_eq!(architecture.cost(), naive::cost(&architecture), "{architecture}");
        assert_eq!(counter.count(&architecture), architecture.cost(), "{architecture}");
    }
}

/// Ids and computations of architectures, for asserting that ids are equal exactly if the computations are.
#[derive(Default)]
struct Identities {
    by_id: HashMap<ArchitectureId, Computation>,
    by_computation: HashMap<Computation, ArchitectureId>,
}

impl Identities {
    fn check(&mut self, architecture: &Architecture) {
        let (id, computation) = (architecture.id(), computation(architecture));
        let known = self.by_id.entry(id).or_insert_with(|| computation.clone());
        assert_eq!(*known, computation, "one id, two networks: {architecture}");
        let known = self.by_computation.entry(computation).or_insert(id);
        assert_eq!(*known, id, "one network, two ids: {architecture}");
    }
}

#[test]
fn ids_are_equal_exactly_if_lowered_networks_are() {
    let mut identities = Identities::default();
    let mut strings: HashMap<String, Architecture> = HashMap::new();
    for space in SPACES.iter() {
        let mut rng = stream(9);
        let mut genotype = space.sample(&mut rng);
        for step in 0..4_000 {
            // Neighbours differ in one decision, and some express the same network.
            if step % 50 == 0 {
                space.sample_into(&mut genotype, &mut rng);
            } else {
                space.mutate_in_place(&mut genotype, &mut rng);
            }
            let architecture = space.express(&genotype, 1 + step % 3);
            identities.check(&architecture);
            let known = strings
                .entry(architecture.to_string())
                .or_insert_with(|| architecture.clone());
            assert_eq!(*known, architecture, "one string, two architectures");
        }
    }
    let (networks, texts) = (identities.by_id.len(), strings.len());
    assert!(
        networks > 4_000 && networks < texts,
        "{networks} networks of {texts} strings"
    );
}

/// Pairs of architecture strings that lower to the same operations.
const SAME: &[(&str, &str)] = &[
    // Identity blocks that keep the shape, at any position.
    (
        "conv_k3_s2_c16_nre,id_c16,ir_k3_e3_c16_nre",
        "conv_k3_s2_c16_nre,ir_k3_e3_c16_nre,id_r2_c16",
    ),
    ("conv_k3_s2_c16_nre,id_c16", "conv_k3_s2_c16_nre"),
    // A bottleneck with one depthwise convolution, after the expansion.
    (
        "conv_k3_c8_nre,uib_k5_s2_e4_c24_nr6",
        "conv_k3_c8_nre,ir_k5_s2_e4_c24_nr6",
    ),
    // Two 1x1 convolutions, the first with an activation.
    ("conv_k3_c8_nre,uib_k0_e4_c8_nge", "conv_k3_c8_nre,er_k1_e4_c8_nge"),
    // An expansion written as a separate block, without a residual connection.
    (
        "conv_k3_c8_nre,conv_k1_c48_nsw,ir_k3_e1_c24_nsw",
        "conv_k3_c8_nre,ir_k3_e6_c24_nsw",
    ),
    // A depthwise convolution of a single channel is a full one.
    (
        "conv_k1_c1_nre,ds_k3_c8_nre",
        "conv_k1_c1_nre,conv_k3_c1_nre,conv_k1_c8_nre",
    ),
];

/// Pairs of blocks after a convolution to 16 channels that lower to different operations.
const DIFFERENT: &[(&str, &str)] = &[
    ("ir_k3_e1_c16_nre", "ds_k3_c16_nre"),
    ("ir_k3_e3_c16_nre", "ir_k3_e3_c16_nr6"),
    ("ir_k3_e3_c16_nre", "ir_k5_e3_c16_nre"),
    ("ir_k3_e3_c16_nre", "ir_k3_h40_c16_nre"),
    ("ir_k3_e3_c16_nre", "ir_k3_e3_c16_nre_noskip"),
    ("ir_k3_e3_c16_nre", "ir_k3_e3_c16_gr2_nre"),
    ("ir_k3_e3_c16_nre", "ir_k3_s2_e3_c16_nre"),
    ("ir_k3_e3_c16_nre", "ir_k3_e3_c16_se0.25_nre"),
    ("ir_k3_e3_c16_sq8_nre", "ir_k3_e3_c16_sq12_nre"),
    ("ir_k3_e3_c16_sq8_nre", "ir_k3_e3_c16_sq8_gsi_nre"),
    ("ir_k3_e3_c16_sq8_nre", "ir_k3_e3_c16_sq8_snsw_nre"),
    ("uib_a3_k0_e4_c16_nre", "uib_k3_e4_c16_nre"),
    ("uib_k3_e4_c16_nre", "uib_k3_e4_c16_nre_ls"),
    ("id_c16", "id_c24"),
    ("id_c16", "id_s2_c16"),
    ("id_c24,id_c24", "id_c24,conv_k1_c24_nre"),
];

#[test]
fn ids_do_not_depend_on_how_a_network_is_written() {
    let network = |input: &str, blocks: &str, head: &str| -> Architecture {
        let text = format!("{input},{blocks},{head}");
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let mut identities = Identities::default();
    for (one, other) in SAME {
        let [one, other] = [one, other].map(|blocks| network("in32", blocks, "head_o10"));
        assert_ne!(one, other);
        assert_eq!(one.id(), other.id(), "{one} {other}");
        identities.check(&one);
    }
    for (one, other) in DIFFERENT {
        let [one, other] = [one, other].map(|blocks| network("in32", &format!("conv_k3_c16_nre,{blocks}"), "head_o10"));
        assert_ne!(one.id(), other.id(), "{one} {other}");
        identities.check(&one);
        identities.check(&other);
    }
    let inputs = ["in32", "in33", "in32_eps0.001", "in32_mom0.01"];
    let heads = [
        "head_o10",
        "head_o11",
        "head_f10_nre_o10",
        "head_fb10_nre_o10",
        "head_fn10_nre_o10",
        "head_f10_nhs_o10",
    ];
    let ids: HashSet<ArchitectureId> = inputs
        .iter()
        .flat_map(|input| heads.map(|head| network(input, "conv_k3_s2_c16_nre", head).id()))
        .collect();
    assert_eq!(ids.len(), inputs.len() * heads.len());
}

#[test]
fn removing_a_stride_changes_the_id() {
    let v2 = mnas_space::Reference::named("mobilenet-v2").unwrap();
    let architecture = v2.architecture(1.0, 32, 10).unwrap();
    let ids: HashSet<ArchitectureId> = (0..4)
        .map(|count| architecture.clone().without_early_strides(count).id())
        .collect();
    assert_eq!(ids.len(), 4);
}

proptest! {
    #[test]
    fn strings_toml_and_keys_round_trip(seed in any::<u64>()) {
        let architecture = random_architecture(seed);
        let text = architecture.to_string();
        prop_assert_eq!(&text.parse::<Architecture>().unwrap(), &architecture);
        prop_assert_eq!(&Architecture::from_toml(&architecture.to_toml()).unwrap(), &architecture);
        let mut shape = architecture.input();
        for layer in architecture.layers() {
            prop_assert_eq!(layer.key.input, shape);
            prop_assert_eq!(&layer.key.to_string().parse::<BlockKey>().unwrap(), &layer.key);
            let graph = layer.key.graph();
            prop_assert_eq!(graph.output_shape(), layer.output);
            shape = layer.output;
        }
    }

    /// Covers blocks with arbitrary channels, not only those of a space.
    #[test]
    fn strings_round_trip_between_any_channels(
        channels in prop::collection::vec(1u32..200, 2..7),
        seed in any::<u64>(),
    ) {
        let mut architecture = random_architecture(seed);
        for (block, channels) in architecture.blocks.iter_mut().zip(channels) {
            if let Block::Conv(conv) = block {
                conv.channels = channels;
            }
            if let Block::UniversalInvertedBottleneck(bottleneck) = block {
                bottleneck.channels = channels;
            }
        }
        // Blocks whose shapes do not match are not written with `noskip`.
        for block in &mut architecture.blocks {
            match block {
                Block::InvertedResidual(block) => block.residual = true,
                Block::FusedInvertedResidual(block) => block.residual = true,
                Block::UniversalInvertedBottleneck(block) => block.residual = true,
                _ => {}
            }
        }
        let groups = architecture.blocks.iter().any(|block| matches!(block, Block::InvertedResidual(ir) if ir.groups > 1));
        prop_assume!(!groups);
        prop_assert_eq!(architecture.to_string().parse::<Architecture>().unwrap(), architecture);
    }

    #[test]
    fn counts_and_memory_are_those_of_a_naive_computation(seed in any::<u64>(), resolution in 1u32..130) {
        let architecture = random_architecture(seed).with_resolution(resolution);
        let cost = naive::cost(&architecture);
        prop_assert_eq!(architecture.cost(), cost);
        let mut counter = Counter::default();
        for _ in 0..2 {
            prop_assert_eq!(counter.count(&architecture), cost);
        }
        let sum: u64 = architecture.layers().map(|layer| Cost::of(&layer.key.graph()).macs).sum();
        prop_assert_eq!(sum, cost.macs);
    }

    #[test]
    fn one_counter_counts_many_networks(seed in any::<u64>()) {
        let (mut rng, mut counter) = (stream(seed), Counter::default());
        for space in SPACES.iter() {
            let mut genotype = space.sample(&mut rng);
            let mut architecture = space.express(&genotype, 10);
            for _ in 0..8 {
                space.mutate_in_place(&mut genotype, &mut rng);
                space.express_into(&genotype, 10, &mut architecture);
                prop_assert_eq!(counter.count(&architecture), architecture.cost());
            }
        }
    }

    #[test]
    fn every_operation_stays_in_its_space(seed in any::<u64>()) {
        let mut rng = stream(seed);
        for space in SPACES.iter() {
            let one = space.sample(&mut rng);
            let other = space.sample(&mut rng);
            let mutant = space.mutate(&one, &mut rng);
            let child = space.crossover(&one, &other, &mut rng);
            prop_assert!(mutant != one || !space.constraints.is_empty());
            for genotype in [&one, &other, &mutant, &child] {
                let family = &space.families[genotype.family];
                let sizes = family.gene_sizes();
                prop_assert_eq!(genotype.genes.len(), sizes.len());
                prop_assert!(genotype.genes.iter().zip(sizes).all(|(gene, size)| gene < size));
                let architecture = space.express(genotype, 10);
                let found = space.encode(&architecture);
                prop_assert!(found.is_some(), "{}: {}", space.name, architecture);
                prop_assert!(space.contains(&architecture));
                // Another genotype may be found first, but it expresses the same network.
                prop_assert_eq!(space.express(&found.unwrap(), 10), architecture);
            }
        }
    }
}

/// Networks with a change in one place have another id and are not in the space.
#[test]
fn changed_networks_are_not_members() {
    let space = everything();
    for seed in 0..500 {
        let architecture = random_architecture(seed);
        let mut others = vec![architecture.clone().with_resolution(31)];
        for index in 0..architecture.blocks.len() {
            let mut other = architecture.clone();
            other.blocks[index] = other.blocks[index].with_stride(7);
            // A bottleneck without depthwise convolutions cannot have a stride.
            if other.to_string().parse::<Architecture>().is_ok() {
                others.push(other);
            }
        }
        let mut longer = architecture.clone();
        longer.blocks.extend_from_within(..);
        others.push(longer);
        for other in others {
            assert_ne!(other.id(), architecture.id(), "{other}");
            assert!(!space.contains(&other), "{other}");
        }
        assert!(space.contains(&architecture));
    }
}

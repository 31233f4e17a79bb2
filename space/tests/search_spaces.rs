//! Tests of search spaces: published members, exact sizes, enumeration, keys, cheapest networks, and errors in documents.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use mnas_space::{Architecture, BlockKey, Genotype, Reference, SearchSpace};
use num_bigint::BigUint;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn space(name: &str) -> SearchSpace {
    SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap()
}

#[test]
fn the_default_space_contains_every_published_point_of_the_four_references() {
    let space = space("mobilenet");
    let mut points = 0;
    for published in &space.references {
        for &width in published.reference.widths() {
            for &resolution in published.reference.resolutions() {
                let architecture = published.reference.architecture(width, resolution, 1000).unwrap();
                let genotype = space.encode(&architecture);
                let genotype =
                    genotype.unwrap_or_else(|| panic!("{} {width} at {resolution}", published.reference.name()));
                assert_eq!(space.express(&genotype, 1000), architecture);
                points += 1;
            }
        }
    }
    assert_eq!(points, 4 * 4 + 6 * 5 + 5 * 6 + 5 * 6);
}

#[test]
fn the_small_image_space_contains_its_references_without_early_strides() {
    let space = space("mobilenet-small-images");
    for points in &space.references {
        for &width in &points.widths {
            let architecture = points.reference.architecture(width, 32, 10).unwrap();
            let architecture = architecture.without_early_strides(space.early_strides_removed);
            assert!(space.contains(&architecture), "{} {width}", points.reference.name());
        }
    }
}

#[test]
fn the_default_space_lacks_other_networks() {
    let space = space("mobilenet");
    let v2 = Reference::named("mobilenet-v2")
        .unwrap()
        .architecture(1.0, 224, 1000)
        .unwrap();
    assert!(!space.contains(&v2.clone().with_resolution(225)));
    assert!(!space.contains(&v2.clone().without_early_strides(1)));
    let mut shorter = v2.clone();
    shorter.blocks.pop();
    assert!(!space.contains(&shorter));
    assert!(
        space.contains(&v2.with_classes(7)),
        "the number of classes is not part of a space"
    );
}

/// Small space: 2 resolutions, and 1 or 2 blocks with 4 choices each.
const TINY: &str = r#"
name = "tiny"
[[family]]
name = "only"
resolution = [16, 24]
stage = [
  { block = "conv", kernel = 3, channels = 8, activation = "relu" },
  { block = "ir", kernel = [3, 5], expansion = [2, 4], channels = 16, stride = 2, depth = [1, 2], activation = "relu" },
]
"#;

#[test]
fn size_counts_every_configuration_once() {
    let space = SearchSpace::from_toml(TINY).unwrap();
    assert_eq!(space.size(), BigUint::from(2u32 * (4 + 16)));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let seen: BTreeSet<_> = (0..2_000).map(|_| space.sample(&mut rng)).collect();
    assert_eq!(seen.len(), 40);
    let ids: BTreeSet<_> = seen.iter().map(|genotype| space.express(genotype, 10).id()).collect();
    assert_eq!(ids.len(), 40);
}

/// Small space with depths out of order, gaps between them, a stage with one choice for all blocks, and skipped blocks.
const DEPTHS: &str = r#"
name = "depths"
[[family]]
name = "first"
resolution = 16
width = [0.5, 1.0]
stage = [
  { block = "conv", kernel = 3, channels = [8, 16], activation = "relu" },
  { channels = 16, depth = [3, 1], choices = [
    { block = "id" },
    { block = "ir", kernel = 3, expansion = 2, activation = "relu" },
  ] },
]
[[family]]
name = "second"
resolution = [16, 20]
stage = [
  { block = "conv", kernel = [3, 5], channels = 8, depth = [2, 4], choose = "stage", activation = "relu" },
]
"#;

#[test]
fn configurations_are_enumerated_once() {
    for (text, size) in [(TINY, 40), (DEPTHS, 2 * 2 * (8 + 2) + 2 * 2 * 2)] {
        let space = SearchSpace::from_toml(text).unwrap();
        assert_eq!(space.size(), BigUint::from(size as u64));
        let all: Vec<_> = space.configurations().collect();
        assert!(all.is_sorted());
        let distinct: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!((all.len(), distinct.len()), (size, size));
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let drawn: BTreeSet<_> = (0..5_000).map(|_| space.sample(&mut rng)).collect();
        assert_eq!(drawn, distinct);
    }
}

#[test]
fn distinct_networks_are_counted_by_enumeration() {
    let space = SearchSpace::from_toml(TINY).unwrap();
    assert_eq!(space.distinct_networks(40), Some(40));
    assert_eq!(space.distinct_networks(39), None);
    // First family: 0 to 3 equal inverted residuals, with 8 channels at width 0.5 for both stems and with 16 at width 1;
    // with stem 8 and stage 16, the first block is one of two and 0 to 2 follow. Second family: all 8 differ.
    let space = SearchSpace::from_toml(DEPTHS).unwrap();
    assert_eq!(space.distinct_networks(1_000), Some(4 + 4 + 2 * 3 + 8));
}

#[test]
fn networks_beyond_the_constraints_are_not_counted() {
    let constrained = TINY.replacen("[[family]]", "constraints = { max-params = 2000 }\n[[family]]", 1);
    let space = SearchSpace::from_toml(&constrained).unwrap();
    let within = |genotype: &Genotype| space.express(genotype, 1).cost().params <= 2_000;
    let expected = space.configurations().filter(within).count() as u64;
    assert!((1..40).contains(&expected), "{expected}");
    assert_eq!(space.distinct_networks(40), Some(expected));
}

#[test]
fn block_keys_are_exactly_those_of_the_networks() {
    let space = SearchSpace::from_toml(TINY).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut seen = BTreeSet::new();
    for _ in 0..2_000 {
        seen.extend(
            space
                .express(&space.sample(&mut rng), 10)
                .layers()
                .map(|layer| layer.key),
        );
    }
    assert_eq!(space.block_keys(10), seen);
}

#[test]
fn the_cheapest_network_is_the_minimum_over_all() {
    let space = SearchSpace::from_toml(TINY).unwrap();
    // An arbitrary positive cost per layer, so that the cheapest network is not the smallest.
    let mut cost = |key: &BlockKey| {
        key.to_string()
            .bytes()
            .map(|byte| f64::from(byte % 7) + 0.1)
            .sum::<f64>()
    };
    let total = |architecture: &Architecture| architecture.layers().map(|layer| cost(&layer.key)).sum::<f64>();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let all: BTreeSet<_> = (0..2_000).map(|_| space.sample(&mut rng)).collect();
    let least = all
        .iter()
        .map(|genotype| total(&space.express(genotype, 10)))
        .fold(f64::INFINITY, f64::min);
    let found = space.cheapest(10, &mut cost);
    let total = |architecture: &Architecture| architecture.layers().map(|layer| cost(&layer.key)).sum::<f64>();
    assert!((total(&found.architecture) - least).abs() < 1e-9);
}

#[test]
fn invalid_spaces_are_refused_with_a_line() {
    let cases = [
        ("kernel = [3, 5]", "kernel = [3, 4]", "kernel 4"),
        ("depth = [1, 2]", "depths = [1, 2]", "depths"),
        ("expansion = [2, 4]", "expansion = []", "empty list"),
        ("resolution = [16, 24]", "resolution = [16, 0]", "resolution 0"),
        ("block = \"ir\"", "block = \"mbconv\"", "mbconv"),
        ("activation = \"relu\"", "activation = \"tanh\"", "tanh"),
        ("stride = 2", "stride = 99", "stride 99"),
        ("channels = 8", "channels = 0", "channels 0"),
        ("expansion = [2, 4], ", "", "expansion"),
        ("name = \"tiny\"", "name = \"tiny\"\nbudget = 3", "budget"),
    ];
    for (from, to, expected) in cases {
        assert!(TINY.contains(from), "{from}");
        let error = SearchSpace::from_toml(&TINY.replacen(from, to, 1)).expect_err(to);
        assert!(error.to_string().contains(expected), "{to}: {error}");
        assert!(error.line > 1, "{to}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn operations_stay_in_the_space(seed in any::<u64>(), name in prop::sample::select(vec!["mobilenet", "mobilenet-small-images"])) {
        let space = space(name);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let one = space.sample(&mut rng);
        let other = space.sample(&mut rng);
        let mutant = space.mutate(&one, &mut rng);
        let child = space.crossover(&one, &other, &mut rng);
        prop_assert_ne!(&mutant, &one);
        for genotype in [&one, &other, &mutant, &child] {
            let architecture = space.express(genotype, 10);
            let encoded = space.encode(&architecture);
            prop_assert!(encoded.is_some());
            // The genotype found may be another one of the same network.
            prop_assert_eq!(space.express(&encoded.unwrap(), 10), architecture);
        }
    }

    #[test]
    fn sampling_is_reproducible(seed in any::<u64>()) {
        let space = space("mobilenet");
        let draw = || space.sample(&mut ChaCha8Rng::seed_from_u64(seed));
        prop_assert_eq!(draw(), draw());
    }
}

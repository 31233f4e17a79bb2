//! Tests of the compiled-in spaces: each contains its references, and the networks of public benchmarks have exactly their
//! published sizes.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use mnas_space::{Architecture, Genotype, SearchSpace};
use num_bigint::BigUint;
use serde::Deserialize;
use support::real_data::real_data;
use support::space;

#[test]
fn every_space_contains_the_references_it_names() {
    for name in SearchSpace::embedded_names() {
        let space = space(name);
        assert_eq!(space.name, name);
        assert!(!space.description.is_empty(), "{name}");
        for points in &space.references {
            let places = points
                .widths
                .iter()
                .flat_map(|width| points.resolutions.iter().map(move |resolution| (*width, *resolution)));
            for (width, resolution) in places {
                let architecture = points.reference.architecture(width, resolution, 1000).unwrap();
                let architecture = architecture.without_early_strides(space.early_strides_removed);
                let genotype = space.encode(&architecture);
                let place = format!("{name}: {} {width} at {resolution}", points.reference.name());
                let genotype = genotype.unwrap_or_else(|| panic!("{place} is missing"));
                assert_eq!(space.express(&genotype, 1000), architecture, "{place}");
                assert!(space.contains(&architecture), "{place} exceeds the constraints");
            }
        }
    }
}

/// Once-for-all's space: 5 stages of 2 to 4 blocks with 9 choices each, at 25 resolutions and 2 widths.
#[test]
fn published_space_sizes() {
    let stage = 9u64.pow(2) + 9u64.pow(3) + 9u64.pow(4);
    let configurations = BigUint::from(stage).pow(5) * 25u32 * 2u32;
    assert_eq!(space("once-for-all-mbv3").size(), configurations);
    assert_eq!(space("nas-bench-macro").size(), BigUint::from(6561u32));
    // Fewer distinct networks than configurations: skipped blocks that keep the shape compute nothing.
    assert_eq!(space("nas-bench-macro").distinct_networks(6561), Some(3969));
    // Six stages of 36 configurations, one of 48.
    assert_eq!(space("accel-nasbench").size(), BigUint::from(36u64.pow(6) * 48));
}

#[derive(Deserialize)]
struct MacroEntry {
    test_acc: [f64; 3],
    params: u64,
    flops: u64,
}

/// Network of a key such as `22212220`, with one digit per block.
fn macro_network(space: &SearchSpace, key: &str) -> Architecture {
    let digits: Vec<u16> = key.bytes().map(|byte| u16::from(byte - b'0')).collect();
    let mut genes = vec![0, 0, 0, 0, 0];
    for layers in [&digits[..2], &digits[2..5], &digits[5..]] {
        genes.extend([0, 0]);
        genes.extend(layers);
    }
    genes.extend([0, 0, 0]);
    space.express(&Genotype { family: 0, genes }, 10)
}

#[test]
fn all_networks_of_nas_bench_macro_have_their_stored_counts() {
    let Some(path) = real_data("nas-bench-macro.json") else {
        return;
    };
    let table: BTreeMap<String, MacroEntry> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let space = space("nas-bench-macro");
    // Keys of the same network have bit-identical accuracies, since the benchmark trained the network once.
    let mut accuracies: BTreeMap<_, [u64; 3]> = BTreeMap::new();
    for (key, entry) in &table {
        let architecture = macro_network(&space, key);
        let cost = architecture.cost();
        assert_eq!((cost.params, cost.macs), (entry.params, entry.flops), "{key}");
        assert!(space.contains(&architecture), "{key}");
        let accuracy = entry.test_acc.map(f64::to_bits);
        let known = accuracies.entry(architecture.id()).or_insert(accuracy);
        assert_eq!(*known, accuracy, "{key}");
    }
    assert_eq!((table.len(), accuracies.len()), (6561, 3969));
}

/// Network of a key such as `e6k5l2|e4k3l3se|…`: expansion, kernel, number of blocks and squeeze-excite of each stage.
fn accel_network(key: &str) -> Architecture {
    let mut pieces = vec!["in224_eps0.001_mom0.01,conv_k3_s2_c32_nsw".to_owned()];
    for ((stage, channels), stride) in key
        .split('|')
        .zip([16, 24, 40, 80, 112, 192, 320])
        .zip([1, 2, 2, 2, 1, 2, 1])
    {
        let stage = stage.as_bytes();
        let [expansion, kernel, layers] = [stage[1], stage[3], stage[5]].map(char::from);
        let squeeze = if stage.ends_with(b"se") { "_si0.25_gsi_snsw" } else { "" };
        pieces.push(format!(
            "ir_r{layers}_k{kernel}_s{stride}_e{expansion}_c{channels}{squeeze}_nsw"
        ));
    }
    pieces.push("conv_k1_c1280_nsw,head_o1000".to_owned());
    pieces.join(",").parse().unwrap()
}

#[test]
fn all_networks_of_accel_nasbench_have_their_stored_parameters() {
    let Some(path) = real_data("accel-nasbench.csv") else {
        return;
    };
    let space = space("accel-nasbench");
    let mut compared = 0;
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let architecture = accel_network(&row[0]);
        let stored = (row[4].parse::<f64>().unwrap() * 1e6).round() as u64;
        assert_eq!(architecture.cost().params, stored, "{}", &row[0]);
        assert!(space.contains(&architecture), "{}", &row[0]);
        compared += 1;
    }
    assert_eq!(compared, 4100);
}

#[test]
fn the_proxyless_json_is_read_exactly() {
    let Some(path) = real_data("proxyless-w0.25-r112.json") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let architecture = Architecture::from_network_json(&text, None).unwrap();
    let cost = architecture.cost();
    assert_eq!((architecture.resolution, cost.params), (112, 569_600));
    assert_eq!(format!("{:.2}", cost.macs as f64 / 1e6), "10.69");
    assert!((architecture.batch_norm.epsilon() - 1e-3).abs() < 1e-12);
    let reference = mnas_space::Reference::named("proxyless-w0.25-r112").unwrap();
    assert_eq!(architecture, reference.architecture(1.0, 112, 1000).unwrap());
}

#[test]
fn networks_of_the_tiny_space_are_within_its_constraints() {
    use rand::SeedableRng;
    let space = space("tiny");
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut previous = space.sample(&mut rng);
    for _ in 0..300 {
        let drawn = space.sample(&mut rng);
        let mutant = space.mutate(&drawn, &mut rng);
        let child = space.crossover(&previous, &mutant, &mut rng);
        for genotype in [&drawn, &mutant, &child] {
            let cost = space.express(genotype, 1).cost();
            assert!(
                cost.peak_activation_bytes <= 1_310_720 && cost.params <= 1_048_576,
                "{cost:?}"
            );
        }
        previous = drawn;
    }
    let largest = space.cheapest(10, &mut |key| -(mnas_space::Cost::of(&key.graph()).macs as f64));
    assert!(
        space.admits(&largest.architecture),
        "the cheapest network is within the constraints"
    );
}

#[test]
fn constraints_that_no_network_satisfies_are_refused() {
    let text = SearchSpace::embedded("tiny").unwrap().replace("1_310_720", "1_000");
    let error = SearchSpace::from_toml(&text).expect_err("1000 bytes are too few");
    assert!(
        error.to_string().contains("no network satisfies these constraints"),
        "{error}"
    );
    assert!(error.line > 5, "{error}");
}

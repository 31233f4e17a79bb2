use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mnas_space::{Architecture, RandomWeights, Reference, WeightSource};

use super::{Package, PackageNetwork, networks};
use crate::real_data::real_data;
use crate::training::weights::Weights;

const PACKAGES: [Package; 2] = [Package::Torchvision, Package::Timm];

fn reference(name: &str, width: f64) -> Architecture {
    let reference = Reference::named(name).unwrap();
    reference.architecture(width, 64, 7).unwrap()
}

fn random(architecture: &Architecture) -> Weights {
    let graph = architecture.graph();
    let tensors = graph.parameters().map(|spec| {
        let values = RandomWeights { seed: 5 }.values(&spec).unwrap().into_owned();
        (spec.name, (spec.shape, values))
    });
    Weights::new(tensors.collect(), None)
}

#[test]
fn every_network_of_a_package_comes_back_by_the_matching() {
    let path = Path::new("some.safetensors");
    for package in PACKAGES {
        for entry in networks::of(package) {
            // Large networks have the same names as smaller ones of their families.
            if entry.reference.ends_with(['4', '5', '6', '7', '8']) {
                continue;
            }
            let architecture = reference(entry.reference, entry.width);
            let found = PackageNetwork::of(package, &architecture).unwrap();
            let weights = random(&architecture);
            let renamed = found.renamed(&weights);
            let graph = architecture.graph();
            let context = format!("{package} {} {}", entry.reference, entry.width);
            assert_eq!(renamed.tensors().count(), graph.parameters().count(), "{context}");
            let matching = renamed
                .matching(&graph, path)
                .unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(found.is_inverse_of(&matching), "{context}");
            let back = renamed.fitted(&graph, path).unwrap();
            assert!(back.tensors().eq(weights.tensors()), "{context}");
        }
    }
}

#[test]
fn layers_of_torchvision_have_its_names() {
    for (name, layers) in [
        ("mobilenet-v2", include_str!("../matching/torchvision-mobilenet-v2.txt")),
        (
            "mobilenet-v3-large",
            include_str!("../matching/torchvision-mobilenet-v3-large.txt"),
        ),
    ] {
        let architecture = reference(name, 1.0);
        let found = PackageNetwork::of(Package::Torchvision, &architecture).unwrap();
        let names = found.tensors.values().map(|(name, _)| name.rsplit_once('.').unwrap().0);
        assert_eq!(names.collect::<BTreeSet<_>>(), layers.lines().collect(), "{name}");
    }
}

#[test]
fn names_follow_the_source_of_the_packages() {
    for (package, reference_name, ours, expected) in [
        (
            Package::Torchvision,
            "mnasnet-b1",
            "blocks.0.main.bn.weight",
            "layers.1.weight",
        ),
        (
            Package::Torchvision,
            "mnasnet-b1",
            "blocks.1.project.conv.weight",
            "layers.6.weight",
        ),
        (
            Package::Torchvision,
            "mnasnet-b1",
            "blocks.3.project.bn.bias",
            "layers.8.1.layers.7.bias",
        ),
        (
            Package::Torchvision,
            "mnasnet-b1",
            "blocks.18.main.bn.bias",
            "layers.15.bias",
        ),
        (
            Package::Torchvision,
            "efficientnet-b0",
            "blocks.1.project.conv.weight",
            "features.1.0.block.2.0.weight",
        ),
        (
            Package::Torchvision,
            "efficientnet-b0",
            "blocks.3.excite.conv.bias",
            "features.2.1.block.2.fc2.bias",
        ),
        (
            Package::Torchvision,
            "efficientnet-b0",
            "blocks.17.main.conv.weight",
            "features.8.0.weight",
        ),
        (
            Package::Timm,
            "mobilenet-v3-large",
            "head.hidden.linear.weight",
            "conv_head.weight",
        ),
        (
            Package::Timm,
            "mobilenet-v3-large",
            "blocks.16.main.bn.weight",
            "blocks.6.0.bn1.weight",
        ),
        (
            Package::Timm,
            "mobilenet-v4-conv-small",
            "blocks.4.main.conv.weight",
            "blocks.1.1.conv.weight",
        ),
        (
            Package::Timm,
            "mobilenet-v4-conv-small",
            "blocks.5.start.bn.running_var",
            "blocks.2.0.dw_start.bn.running_var",
        ),
        (
            Package::Timm,
            "mobilenet-v4-conv-small",
            "head.hidden.bn.bias",
            "norm_head.bias",
        ),
        (
            Package::Timm,
            "mobilenet-v2",
            "blocks.1.project.bn.weight",
            "blocks.0.0.bn2.weight",
        ),
        (Package::Timm, "mobilenet-v2", "blocks.18.main.bn.bias", "bn2.bias"),
    ] {
        let found = PackageNetwork::of(package, &reference(reference_name, 1.0)).unwrap();
        let (name, _) = &found.tensors[ours];
        assert_eq!(name, expected, "{package} {reference_name} {ours}");
    }
}

#[test]
fn widths_that_make_stages_equal_keep_the_stages() {
    let architecture = reference("mobilenet-v2", 0.35);
    let found = PackageNetwork::of(Package::Timm, &architecture).unwrap();
    let (name, _) = &found.tensors["blocks.2.expand.conv.weight"];
    assert_eq!(name, "blocks.1.0.conv_pw.weight");
}

#[test]
fn constructors_have_the_classes_and_the_constants() {
    let constructor = |package, name, width| {
        let found = PackageNetwork::of(package, &reference(name, width)).unwrap();
        (found.constructor, found.epsilon)
    };
    assert_eq!(
        constructor(Package::Torchvision, "mobilenet-v2", 0.75),
        (
            "torchvision.models.mobilenet_v2(width_mult=0.75, num_classes=7)".to_owned(),
            None
        )
    );
    assert_eq!(
        constructor(Package::Torchvision, "mnasnet-b1", 1.0),
        ("torchvision.models.mnasnet1_0(num_classes=7)".to_owned(), Some(0.001))
    );
    assert_eq!(
        constructor(Package::Timm, "efficientnet-b0", 1.0).0,
        "timm.create_model('efficientnet_b0', bn_eps=0.001, num_classes=7)"
    );
    assert_eq!(
        constructor(Package::Timm, "mobilenet-v3-large-minimalistic", 1.0).0,
        "timm.create_model('tf_mobilenetv3_large_minimal_100', pad_type='', num_classes=7)"
    );
}

#[test]
fn a_network_that_a_package_lacks_is_refused_with_those_it_has() {
    let other: Architecture = "in32,conv_k3_s2_c8_nr6,ir_r2_k3_s2_e6_c16_nr6,head_o5".parse().unwrap();
    let error = PackageNetwork::of(Package::Torchvision, &other)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("torchvision has no network with these layers; it has mobilenet-v2 (widths 0.35, 0.5,"),
        "{error}"
    );
    assert!(error.contains("mobilenet-v3-small, mobilenet-v3-large,"), "{error}");
    // A reference that torchvision lacks, and a width that timm lacks.
    assert!(PackageNetwork::of(Package::Torchvision, &reference("mobilenet-v1", 1.0)).is_err());
    assert!(PackageNetwork::of(Package::Timm, &reference("mobilenet-v2", 1.3)).is_err());
}

#[test]
fn published_files_have_exactly_these_names_and_shapes() {
    for (file, name, package) in [
        (
            "pretrained/mobilenet_v2-1.0-224.safetensors",
            "mobilenet-v2",
            Package::Torchvision,
        ),
        (
            "pretrained/efficientnet-lite0.safetensors",
            "efficientnet-lite0",
            Package::Timm,
        ),
    ] {
        let Some(path) = real_data(file) else { continue };
        let weights = Weights::read(&path).unwrap();
        let architecture = Reference::named(name).unwrap().architecture(1.0, 224, 1000).unwrap();
        let fitted = weights.fitted(&architecture.graph(), &path).unwrap();
        let found = PackageNetwork::of(package, &architecture).unwrap().renamed(&fitted);
        let published: BTreeMap<_, _> = weights
            .tensors()
            .map(|(name, shape, values)| (name, (shape, values)))
            .collect();
        let written: BTreeMap<_, _> = found
            .tensors()
            .map(|(name, shape, values)| (name, (shape, values)))
            .collect();
        assert!(published == written, "{name}");
    }
}

use std::path::Path;

use mnas_space::{Architecture, Graph, ParameterSpec, RandomWeights, Reference, WeightSource};

use super::names::places;
use super::{Naming, Tensors};
use crate::real_data::real_data;
use crate::training::weights::{Pretrained, Weights, WeightsError};

/// The layers of torchvision's `MobileNetV2` in order of execution.
const MOBILENET_V2: &str = include_str!("torchvision-mobilenet-v2.txt");

fn reference(name: &str) -> Graph {
    Reference::named(name)
        .unwrap()
        .architecture(1.0, 32, 5)
        .unwrap()
        .graph()
}

/// Zeros in the shapes of `graph`, under torchvision's names.
fn torchvision(graph: &Graph) -> Tensors {
    let mut layers = MOBILENET_V2.lines();
    let mut tensors = Tensors::new();
    for node in &graph.nodes {
        let specs: Vec<ParameterSpec> = node.parameters().collect();
        if specs.is_empty() {
            continue;
        }
        let layer = layers.next().unwrap();
        for spec in specs {
            let zeros = vec![0.0; spec.elements()];
            tensors.insert(format!("{layer}.{}", spec.kind.suffix()), (spec.shape, zeros));
        }
    }
    assert!(layers.next().is_none());
    tensors
}

fn file(tensors: Tensors) -> Weights {
    Weights::new(tensors, None)
}

#[test]
fn a_tensor_that_differs_is_named_with_both_shapes() {
    let graph = reference("mobilenet-v2");
    let refused = |change: &dyn Fn(&mut Tensors)| {
        let mut tensors = torchvision(&graph);
        change(&mut tensors);
        let error = file(tensors)
            .fitted(&graph, Path::new("some.safetensors"))
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, WeightsError::Mismatch { .. }));
        error.to_string()
    };
    let error = refused(&|tensors| {
        tensors.get_mut("features.3.conv.1.0.weight").unwrap().0 = vec![144, 1, 5, 5];
    });
    assert!(
        error.contains("tensor `features.3.conv.1.0.weight` [144, 1, 5, 5] stands where"),
        "{error}"
    );
    assert!(error.contains("[144, 1, 3, 3]"), "{error}");
    let error = refused(&|tensors| {
        tensors.remove("features.18.1.running_var");
    });
    assert!(
        error.contains("`features.18.1` (bias, running_mean, weight) stands where"),
        "{error}"
    );
    let error = refused(&|tensors| {
        tensors.insert("extra.weight".to_owned(), (vec![1], vec![0.0]));
    });
    assert!(error.contains("nothing is left for `extra`"), "{error}");
    let error = refused(&|tensors| {
        tensors.retain(|name, _| !name.starts_with("classifier"));
    });
    assert!(error.contains("nothing is left to fill"), "{error}");
    let other = reference("mobilenet-v3-large");
    let error = file(torchvision(&graph))
        .fitted(&other, Path::new("some.safetensors"))
        .map(drop);
    assert!(error.unwrap_err().to_string().contains("features.0.0.weight"));
}

#[test]
fn timms_layers_are_put_into_their_order() {
    let order = [
        "conv_stem",
        "bn1",
        "blocks.0.0.conv_dw",
        "blocks.0.0.bn1",
        "blocks.0.0.se.conv_reduce",
        "blocks.0.0.se.conv_expand",
        "blocks.0.0.conv_pw",
        "blocks.0.0.bn2",
        "blocks.2.1.conv_pw",
        "blocks.2.1.bn1",
        "blocks.2.1.conv_dw",
        "blocks.2.1.bn2",
        "blocks.2.1.se.conv_reduce",
        "blocks.2.1.se.conv_expand",
        "blocks.2.1.conv_pwl",
        "blocks.2.1.bn3",
        "blocks.10.0.conv",
        "blocks.10.0.bn1",
        "conv_head",
        "bn2",
        "classifier",
    ];
    let mut names = order;
    names.sort_unstable();
    assert_ne!(names, order);
    let (naming, found) = places(&names);
    assert_eq!(naming, Naming::Timm);
    let mut placed: Vec<_> = found.unwrap().into_iter().zip(names).collect();
    placed.sort();
    assert!(placed.into_iter().map(|(_, name)| name).eq(order));
}

/// Random weights of `graph` whose layers are named by `rename` from scope, part and leaf of their nodes.
fn renamed(graph: &Graph, rename: &dyn Fn(&str, &str, &str) -> String) -> (Tensors, Tensors) {
    let mut own = Tensors::new();
    let mut foreign = Tensors::new();
    for node in &graph.nodes {
        for spec in node.parameters() {
            let values = RandomWeights { seed: 3 }.values(&spec).unwrap().into_owned();
            let layer = rename(&node.name.scope.to_string(), node.name.part, node.name.leaf);
            let name = format!("{layer}.{}", spec.kind.suffix());
            let before = foreign.insert(name, (spec.shape.clone(), values.clone()));
            assert!(before.is_none(), "{layer} twice");
            own.insert(spec.name, (spec.shape, values));
        }
    }
    (own, foreign)
}

/// The tensors as TensorFlow stores them: output channels last, under its names.
fn tensorflow(tensors: &Tensors) -> Tensors {
    let transposed = |shape: &[usize], values: &[f32]| -> (Vec<usize>, Vec<f32>) {
        let at = |o: usize, i: usize, y: usize, x: usize| {
            values[((o * shape[1] + i) * shape.get(2).unwrap_or(&1) + y) * shape.get(3).unwrap_or(&1) + x]
        };
        let mut found = Vec::new();
        let (height, width) = (*shape.get(2).unwrap_or(&1), *shape.get(3).unwrap_or(&1));
        let depthwise = shape.len() == 4 && shape[1] == 1;
        for y in 0..height {
            for x in 0..width {
                for i in 0..shape[1] {
                    found.extend((0..shape[0]).map(|o| at(o, i, y, x)));
                }
            }
        }
        match (shape.len(), depthwise) {
            (2, _) => (vec![shape[1], shape[0]], found),
            (_, true) => (vec![height, width, shape[0], 1], found),
            (_, false) => (vec![height, width, shape[1], shape[0]], found),
        }
    };
    let leaf = |leaf: &str, is_matrix: bool, is_norm: bool| match (leaf, is_matrix, is_norm) {
        ("weight", true, _) => "kernel:0",
        ("weight", false, _) => "gamma:0",
        ("bias", _, true) => "beta:0",
        ("bias", _, false) => "bias:0",
        ("running_mean", ..) => "moving_mean:0",
        _ => "moving_variance:0",
    };
    let mut found = Tensors::new();
    for (name, (shape, values)) in tensors {
        let (layer, last) = name.rsplit_once('.').unwrap();
        let is_norm = tensors.contains_key(&format!("{layer}.running_mean"));
        let is_matrix = shape.len() > 1;
        let stored = if is_matrix {
            transposed(shape, values)
        } else {
            (shape.clone(), values.clone())
        };
        let last = match leaf(last, is_matrix, is_norm) {
            "kernel:0" if shape.len() == 4 && shape[1] == 1 => "depthwise_kernel:0",
            last => last,
        };
        found.insert(format!("{}/{last}", layer.replace('.', "/")), stored);
    }
    found
}

fn assert_matched(naming: Naming, foreign: Tensors, own: &Tensors, graph: &Graph) {
    let weights = file(foreign);
    let path = Path::new("some.safetensors");
    assert_eq!(weights.matching(graph, path).unwrap().naming, naming);
    let fitted = weights.fitted(graph, path).unwrap();
    for (name, shape, values) in fitted.tensors() {
        let expected = &own[name];
        assert_eq!((shape, values), (&expected.0[..], &expected.1[..]), "{name}");
    }
    assert_eq!(fitted.tensors().count(), own.len());
}

/// Index of a block from its scope, counted from the first after the stem.
fn block(scope: &str) -> usize {
    scope.strip_prefix("blocks.").unwrap().parse::<usize>().unwrap() - 1
}

#[test]
fn names_of_efficientnet_pytorch_are_matched() {
    let text = "in32,conv_k3_s2_c8_nr6,ir_k3_e1_c8_si0.25_nr6,ir_r11_k5_s2_e6_c16_si0.25_nr6,conv_k1_c24_nr6,head_o5";
    let graph = text.parse::<Architecture>().unwrap().graph();
    let (own, foreign) = renamed(&graph, &|scope, part, leaf| match (scope, part, leaf) {
        ("head", ..) => "_fc".to_owned(),
        ("blocks.0", _, "conv") => "_conv_stem".to_owned(),
        ("blocks.0", ..) => "_bn0".to_owned(),
        ("blocks.13", _, "conv") => "_conv_head".to_owned(),
        ("blocks.13", ..) => "_bn1".to_owned(),
        (scope, part, leaf) => {
            let part = match (part, leaf) {
                ("squeeze", _) => "_se_reduce",
                ("excite", _) => "_se_expand",
                ("expand", "conv") => "_expand_conv",
                ("expand", _) => "_bn0",
                ("depthwise", "conv") => "_depthwise_conv",
                ("depthwise", _) => "_bn1",
                ("project", "conv") => "_project_conv",
                _ => "_bn2",
            };
            format!("_blocks.{}.{part}", block(scope))
        }
    });
    assert_matched(Naming::EfficientNetPytorch, foreign, &own, &graph);
}

#[test]
fn names_and_layouts_of_keras_are_matched() {
    let graph = reference("mobilenet-v2");
    let (own, foreign) = renamed(&graph, &|scope, part, leaf| match (scope, leaf) {
        ("head", _) => "predictions".to_owned(),
        ("blocks.0", "conv") => "Conv1".to_owned(),
        ("blocks.0", _) => "bn_Conv1".to_owned(),
        ("blocks.18", "conv") => "Conv_1".to_owned(),
        ("blocks.18", _) => "Conv_1_bn".to_owned(),
        (scope, leaf) => {
            let norm = if leaf == "bn" { "_BN" } else { "" };
            let block = match block(scope) {
                0 => "expanded_conv".to_owned(),
                number => format!("block_{number}"),
            };
            let layer = format!("{block}_{part}{norm}");
            // Keras's own files repeat the layer.
            format!("{layer}.{layer}")
        }
    });
    assert_matched(Naming::TensorFlow, tensorflow(&foreign), &own, &graph);
    let graph = reference("mobilenet-v1");
    let (own, foreign) = renamed(&graph, &|scope, part, leaf| match (scope, leaf) {
        ("head", _) => "MobilenetV1.Logits.Conv2d_1c_1x1".to_owned(),
        (scope, leaf) => {
            let layer = match scope.strip_prefix("blocks.").unwrap() {
                "0" => "Conv2d_0".to_owned(),
                number => format!("Conv2d_{number}_{part}"),
            };
            let norm = if leaf == "bn" { ".BatchNorm" } else { "" };
            format!("MobilenetV1.{layer}{norm}")
        }
    });
    assert_matched(Naming::TensorFlow, tensorflow(&foreign), &own, &graph);
}

#[test]
fn mobilenet_v3_and_efficientnet_of_keras_are_matched() {
    let graph = reference("mobilenet-v3-large");
    let last = format!("blocks.{}", 16);
    let (own, foreign) = renamed(&graph, &|scope, part, leaf| match (scope, part, leaf) {
        ("head", "classifier", _) => "Logits".to_owned(),
        ("head", ..) => "Conv_2".to_owned(),
        ("blocks.0", _, "conv") => "Conv".to_owned(),
        ("blocks.0", ..) => "Conv/BatchNorm".to_owned(),
        (scope, _, "conv") if scope == last => "Conv_1".to_owned(),
        (scope, ..) if scope == last => "Conv_1/BatchNorm".to_owned(),
        (scope, part, leaf) => {
            let part = match part {
                "squeeze" => "squeeze_excite/Conv",
                "excite" => "squeeze_excite/Conv_1",
                part => part,
            };
            let norm = if leaf == "bn" { "/BatchNorm" } else { "" };
            let block = match block(scope) {
                0 => "expanded_conv".to_owned(),
                number => format!("expanded_conv_{number}"),
            };
            format!("{block}/{part}{norm}")
        }
    });
    assert_matched(Naming::TensorFlow, foreign, &own, &graph);
    let graph = "in32,conv_k3_s2_c8_nsw,ir_k3_e1_c8_si0.25_nsw,ir_r2_k5_s2_e6_c16_si0.25_nsw,conv_k1_c24_nsw,head_o5"
        .parse::<Architecture>()
        .unwrap()
        .graph();
    let (own, foreign) = renamed(&graph, &|scope, part, leaf| {
        let kind = if leaf == "bn" { "bn" } else { "conv" };
        match (scope, part, leaf) {
            ("head", ..) => "predictions".to_owned(),
            ("blocks.0", ..) => format!("stem_{kind}"),
            ("blocks.4", ..) => format!("top_{kind}"),
            (scope, part, leaf) => {
                let block = ["block1a", "block2a", "block2b"][block(scope)];
                match (part, leaf) {
                    ("squeeze", _) => format!("{block}_se_reduce"),
                    ("excite", _) => format!("{block}_se_expand"),
                    ("depthwise", "conv") => format!("{block}_dwconv"),
                    ("depthwise", _) => format!("{block}_bn"),
                    (part, _) => format!("{block}_{part}_{kind}"),
                }
            }
        }
    });
    assert_matched(Naming::TensorFlow, foreign, &own, &graph);
}

#[test]
fn unknown_names_are_matched_in_the_order_of_the_file() {
    let graph = reference("mobilenet-v2");
    let (own, foreign) = renamed(&graph, &|scope, part, leaf| format!("layer of {scope} {part} {leaf}"));
    let order: Vec<String> = graph
        .nodes
        .iter()
        .flat_map(|node| {
            let name = node.name;
            let layer = format!("layer of {} {} {}", name.scope, name.part, name.leaf);
            node.parameters()
                .map(move |spec| format!("{layer}.{}", spec.kind.suffix()))
        })
        .collect();
    let found = super::Matching::of(&foreign, &order, &graph).unwrap();
    assert_eq!(found.naming, Naming::Order);
    assert_eq!(found.renamed(&foreign), own);
}

#[test]
fn a_misfit_lists_the_matches_before_it() {
    let graph = reference("mobilenet-v2");
    let mut tensors = torchvision(&graph);
    tensors.get_mut("features.2.conv.1.0.weight").unwrap().0 = vec![96, 1, 5, 5];
    let error = file(tensors)
        .fitted(&graph, Path::new("some.safetensors"))
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("matched by torchvision's names, the last of them:"),
        "{error}"
    );
    assert!(
        error.ends_with("`blocks.2.expand.bn.running_var` [96] = `features.2.conv.0.1.running_var` [96]"),
        "{error}"
    );
}

#[test]
fn pretrained_networks_keep_the_classes_of_their_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let graph = reference("mobilenet-v2");
    file(torchvision(&graph)).write(&path).unwrap();
    let wider = Reference::named("mobilenet-v2")
        .unwrap()
        .architecture(1.0, 96, 37)
        .unwrap();
    let read = Pretrained::read(&path, Some(&wider)).unwrap();
    assert_eq!((read.architecture.head.classes, read.architecture.resolution), (5, 96));
    assert_eq!(read.matching.naming, Naming::Torchvision);
    assert_eq!(read.normalization, Some(crate::training::Normalization::IMAGENET));
    assert_eq!(read.classes, None);
    let error = Weights::read(&path)
        .unwrap()
        .fitted(&wider.graph(), &path)
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("score 5 classes (tensor `classifier.1.weight`), the architecture 37"),
        "{error}"
    );
    assert!(error.contains("mnas train ARCH --init"), "{error}");
    let error = Pretrained::read(&path, None).map(drop).unwrap_err().to_string();
    assert!(error.contains("does not name its architecture"), "{error}");
}

/// Names of `efficientnet_pytorch` for those of timm's EfficientNet-Lite0.
fn from_timm(name: &str) -> String {
    const DEPTHS: [usize; 7] = [1, 2, 2, 3, 3, 4, 1];
    let parts: Vec<&str> = name.split('.').collect();
    let ["blocks", stage, layer, part, leaf] = parts[..] else {
        return match parts[0] {
            "bn1" => name.replace("bn1", "_bn0"),
            "bn2" => name.replace("bn2", "_bn1"),
            "classifier" => name.replace("classifier", "_fc"),
            _ => format!("_{name}"),
        };
    };
    let stage: usize = stage.parse().unwrap();
    let index = DEPTHS[..stage].iter().sum::<usize>() + layer.parse::<usize>().unwrap();
    let part = match (stage, part) {
        (_, "conv_dw") => "depthwise_conv",
        (_, "conv_pwl") | (0, "conv_pw") => "project_conv",
        (_, "conv_pw") => "expand_conv",
        (_, "bn3") | (0, "bn2") => "bn2",
        (_, "bn2") | (0, _) => "bn1",
        _ => "bn0",
    };
    format!("_blocks.{index}._{part}.{leaf}")
}

#[test]
fn real_weights_fit_under_the_names_of_two_packages_in_any_order() {
    let Some(path) = real_data("pretrained/efficientnet-lite0.safetensors") else {
        return;
    };
    let lite = Reference::named("efficientnet-lite0").unwrap();
    let graph = lite.architecture(1.0, 224, 1000).unwrap().graph();
    let weights = Weights::read(&path).unwrap();
    assert_eq!(weights.matching(&graph, &path).unwrap().naming, Naming::Timm);
    let expected = weights.fitted(&graph, &path).unwrap();
    let tensors: Tensors = weights
        .tensors()
        .map(|(name, shape, values)| (from_timm(name), (shape.to_vec(), values.to_vec())))
        .collect();
    let mut reversed: Vec<String> = tensors.keys().cloned().collect();
    reversed.reverse();
    let found = super::Matching::of(&tensors, &reversed, &graph).unwrap();
    assert_eq!(found.naming, Naming::EfficientNetPytorch);
    let found = found.renamed(&tensors);
    assert_eq!(found.len(), expected.tensors().count());
    for (name, shape, values) in expected.tensors() {
        assert_eq!((shape, values), (&found[name].0[..], &found[name].1[..]), "{name}");
    }
}

#[test]
fn real_proxyless_weights_fit_their_network() {
    let (Some(json), Some(path)) = (
        real_data("proxyless-w0.25-r112.json"),
        real_data("proxyless-w0.25-r112.safetensors"),
    ) else {
        return;
    };
    let text = std::fs::read_to_string(json).unwrap();
    let graph = Architecture::from_network_json(&text, Some(112)).unwrap().graph();
    let weights = Weights::read(&path).unwrap();
    let fitted = weights.fitted(&graph, &path).unwrap();
    let parameters: usize = graph
        .parameters()
        .filter(|spec| spec.kind.is_trained())
        .map(|spec| spec.elements())
        .sum();
    assert_eq!(parameters, 569_600);
    assert_eq!(fitted.tensors().count(), graph.parameters().count());
}

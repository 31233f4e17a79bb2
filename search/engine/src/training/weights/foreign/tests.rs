use std::path::Path;

use mnas_space::{Architecture, Graph, ParameterSpec, Reference};

use super::{Tensors, in_execution_order};
use crate::real_data::real_data;
use crate::training::weights::{Weights, WeightsError};

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
    let all = names;
    names.sort_by(|one, other| in_execution_order(one, other, &all));
    assert_eq!(names, order);
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

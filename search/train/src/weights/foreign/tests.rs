//! Scores made with torchvision 0.26 and `PyTorch` 2.11 by this script:
//!
//! ```python
//! import math, torch, torchvision
//! torch.set_default_dtype(torch.float64)
//! wave = lambda n, k: torch.sin(torch.arange(n) ** 2 + k)
//! for name in ["mobilenet_v2", "mobilenet_v3_large"]:
//!     net = getattr(torchvision.models, name)(num_classes=5).eval()
//!     for k, (n, t) in enumerate((n, t) for n, t in net.state_dict().items() if "num_batches" not in n):
//!         a, b = (math.sqrt(6 / t[0].numel()), 0) if t.dim() > 1 else (0.1, 0) if "bias" in n or "mean" in n else (0.3, 1)
//!         t.copy_((a * wave(t.numel(), k) + b).view(t.shape))
//!     print(name, net(2 * wave(3 * 32 * 32, 0.5).view(1, 3, 32, 32)).flatten().tolist())
//! ```

#![allow(clippy::unreadable_literal, reason = "printed by another program")]

use std::path::Path;

use mnas_space::{Architecture, Graph, ParameterKind, ParameterSpec, Reference};
use tch::{Device, Kind, Tensor};

use super::{Tensors, in_execution_order};
use crate::data::testing::real_data;
use crate::Network;
use crate::testing::values;
use mnas_engine::training::weights::{Weights, WeightsError};

fn wave(count: usize, shift: f64) -> Vec<f64> {
    (0..count).map(|index| ((index * index) as f64 + shift).sin()).collect()
}

fn reference(name: &str) -> Graph {
    Reference::named(name)
        .unwrap()
        .architecture(1.0, 32, 5)
        .unwrap()
        .graph()
}

/// The layers of torchvision's `MobileNetV2` in order of execution.
fn version2() -> Vec<String> {
    let mut names: Vec<String> = ["0.0", "0.1", "1.conv.0.0", "1.conv.0.1", "1.conv.1", "1.conv.2"]
        .map(str::to_owned)
        .to_vec();
    for block in 2..18 {
        names.extend(["0.0", "0.1", "1.0", "1.1", "2", "3"].map(|part| format!("{block}.conv.{part}")));
    }
    names.extend(["18.0", "18.1"].map(str::to_owned));
    let mut names: Vec<String> = names.into_iter().map(|name| format!("features.{name}")).collect();
    names.push("classifier.1".to_owned());
    names
}

/// The layers of torchvision's `MobileNetV3` Large in order of execution.
fn version3() -> Vec<String> {
    let mut names = vec!["features.0.0".to_owned(), "features.0.1".to_owned()];
    for block in 1..16 {
        let mut part = 0;
        let mut convolution = |names: &mut Vec<String>| {
            names.extend([0, 1].map(|layer| format!("features.{block}.block.{part}.{layer}")));
            part += 1;
            part
        };
        for _ in 0..if block == 1 { 1 } else { 2 } {
            convolution(&mut names);
        }
        if matches!(block, 4..=6 | 11..=15) {
            names.extend(["fc1", "fc2"].map(|layer| format!("features.{block}.block.2.{layer}")));
            names.extend([0, 1].map(|layer| format!("features.{block}.block.3.{layer}")));
        } else {
            convolution(&mut names);
        }
    }
    names.extend(["features.16.0", "features.16.1", "classifier.0", "classifier.3"].map(str::to_owned));
    names
}

/// The tensors of the script under another program's names of the layers.
fn foreign(graph: &Graph, layers: &[String]) -> Tensors {
    let mut tensors = Tensors::new();
    let mut number = 0;
    let mut layers = layers.iter();
    for node in &graph.nodes {
        let specs: Vec<ParameterSpec> = node.parameters().collect();
        if specs.is_empty() {
            continue;
        }
        let layer = layers.next().unwrap();
        for spec in specs {
            let fan_in: usize = spec.shape[1..].iter().product();
            let (scale, offset) = match spec.kind {
                ParameterKind::ConvolutionWeight | ParameterKind::LinearWeight => ((6.0 / fan_in as f64).sqrt(), 0.0),
                ParameterKind::Bias | ParameterKind::BatchNormShift | ParameterKind::RunningMean => (0.1, 0.0),
                _ => (0.3, 1.0),
            };
            let values = wave(spec.elements(), f64::from(number));
            let values = values
                .into_iter()
                .map(|value| (scale * value + offset) as f32)
                .collect();
            tensors.insert(format!("{layer}.{}", spec.kind.suffix()), (spec.shape, values));
            number += 1;
        }
    }
    assert!(layers.next().is_none());
    tensors
}

fn file(tensors: Tensors) -> Weights {
    Weights {
        values: tensors,
        info: None,
    }
}

#[test]
fn torchvisions_networks_give_torchvisions_scores() {
    let images: Vec<f32> = wave(3 * 32 * 32, 0.5)
        .into_iter()
        .map(|value| (2.0 * value) as f32)
        .collect();
    let images = Tensor::from_slice(&images).to_kind(Kind::Float).view([1, 3, 32, 32]);
    let expected: [(&str, Vec<String>, [f64; 5]); 2] = [
        (
            "mobilenet-v2",
            version2(),
            [
                -14.234265630104241,
                7.2297311902022345,
                3.393206689956365,
                -8.67842332631406,
                2.1328542870968685,
            ],
        ),
        (
            "mobilenet-v3-large",
            version3(),
            [
                -1060491.9742778311,
                -1076091.7989955083,
                -174599.25549253076,
                -27153.020957033452,
                197343.26616121005,
            ],
        ),
    ];
    for (name, layers, scores) in expected {
        let graph = reference(name);
        let weights = file(foreign(&graph, &layers));
        let mut network = Network::new(graph, Device::Cpu, 0).unwrap();
        weights
            .load_into(&mut network, Path::new("foreign.safetensors"))
            .unwrap();
        let found = values(&tch::no_grad(|| network.forward(&images, false)).unwrap());
        let largest = scores.iter().fold(0.0, |most: f64, score| most.max(score.abs()));
        for (one, other) in found.iter().zip(scores) {
            assert!(
                (f64::from(*one) - other).abs() < 1e-3 * largest,
                "{name}: {found:?}, torchvision has {scores:?}"
            );
        }
    }
}

#[test]
fn a_tensor_that_differs_is_named_with_both_shapes() {
    let graph = reference("mobilenet-v2");
    let refused = |change: &dyn Fn(&mut Tensors)| {
        let mut tensors = foreign(&graph, &version2());
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
    let error = file(foreign(&graph, &version2()))
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
    assert_eq!(fitted.values.len(), graph.parameters().count());
}

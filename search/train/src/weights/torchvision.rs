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

use std::collections::BTreeMap;
use std::path::Path;

use mnas_engine::training::weights::Weights;
use mnas_space::{Graph, ParameterKind, ParameterSpec, Reference};
use tch::{Device, Kind, Tensor};

use super::load_weights;
use crate::Network;
use crate::testing::values;

/// Networks with the layers of torchvision's implementation in order of execution, and its scores.
const EXPECTED: [(&str, &str, [f64; 5]); 2] = [
    (
        "mobilenet-v2",
        include_str!("../../../engine/src/training/weights/matching/torchvision-mobilenet-v2.txt"),
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
        include_str!("../../../engine/src/training/weights/matching/torchvision-mobilenet-v3-large.txt"),
        [
            -1060491.9742778311,
            -1076091.7989955083,
            -174599.25549253076,
            -27153.020957033452,
            197343.26616121005,
        ],
    ),
];

fn wave(count: usize, shift: f64) -> Vec<f64> {
    (0..count).map(|index| ((index * index) as f64 + shift).sin()).collect()
}

/// The tensors of the script, under torchvision's names.
fn torchvision_weights(graph: &Graph, layers: &str) -> Weights {
    let mut tensors = BTreeMap::new();
    let mut number = 0;
    let mut layers = layers.lines();
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
    Weights::new(tensors, None)
}

#[test]
fn torchvisions_networks_give_torchvisions_scores() {
    let images: Vec<f32> = wave(3 * 32 * 32, 0.5)
        .into_iter()
        .map(|value| (2.0 * value) as f32)
        .collect();
    let images = Tensor::from_slice(&images).to_kind(Kind::Float).view([1, 3, 32, 32]);
    for (name, layers, scores) in EXPECTED {
        let architecture = Reference::named(name).unwrap().architecture(1.0, 32, 5).unwrap();
        let graph = architecture.graph();
        let weights = torchvision_weights(&graph, layers);
        let mut network = Network::new(graph, Device::Cpu, 0).unwrap();
        load_weights(&weights, &mut network, Path::new("foreign.safetensors")).unwrap();
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

//! Numbers made with `PyTorch` 2.11 in 64-bit floats: the module, its gradients, batch-norm's running statistics and SGD.
//!
//! Weights and images follow from formulas, so that no file is needed. They come from this script:
//!
//! ```python
//! import math, torch
//! from torch import nn
//! torch.set_num_threads(1); torch.set_default_dtype(torch.float64)
//!
//! def cb(i, o, k, s, g, act):
//!     return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o), act)
//! class Squeeze(nn.Module):
//!     def __init__(self, c, q, gate):
//!         super().__init__()
//!         self.f = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, q, 1), nn.ReLU(), nn.Conv2d(q, c, 1), gate)
//!     def forward(self, x): return x * self.f(x)
//! class Residual(nn.Sequential):
//!     def forward(self, x): return x + super().forward(x)
//! hs, sw, none = nn.Hardswish(), nn.SiLU(), nn.Identity()
//! net = nn.Sequential(
//!     cb(3, 8, 3, 2, 1, hs),
//!     cb(8, 8, 3, 1, 8, nn.ReLU6()), cb(8, 12, 1, 1, 1, nn.ReLU6()),
//!     cb(12, 16, 1, 2, 1, none),
//!     Residual(cb(16, 32, 1, 1, 1, hs), cb(32, 32, 5, 1, 32, hs), Squeeze(32, 8, nn.Hardsigmoid()), cb(32, 16, 1, 1, 1, none)),
//!     cb(16, 48, 1, 1, 1, sw), cb(48, 48, 3, 2, 48, sw), Squeeze(48, 8, nn.Sigmoid()), cb(48, 20, 1, 1, 1, none),
//!     nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 24), hs, nn.Linear(24, 5))
//! state = [(n, t) for n, t in net.state_dict().items() if "num_batches" not in n]
//! wave = lambda n, k: torch.sin(torch.arange(n) ** 2 + k)
//! for k, (n, t) in enumerate(state):
//!     a, b = (math.sqrt(6 / t[0].numel()), 0) if t.dim() > 1 else (0.1, 0) if "bias" in n or "mean" in n else (0.3, 1)
//!     t.copy_((a * wave(t.numel(), k) + b).view(t.shape))
//! x = 2 * wave(4 * 3 * 17 * 17, 0.5).view(4, 3, 17, 17)
//! y = torch.tensor([0, 3, 1, 4])
//! norm = lambda t: t.norm().item()
//! print("eval", net.eval()(x).flatten().tolist())
//! net.train()
//! decayed, plain = [[p for p in net.parameters() if (p.dim() > 1) == d] for d in (True, False)]
//! sgd = torch.optim.SGD([{"params": decayed, "weight_decay": 0.01}, {"params": plain}], lr=0.05, momentum=0.9, nesterov=True)
//! losses = []
//! for step in range(3):
//!     z = net(x)
//!     loss = nn.functional.cross_entropy(z, y, label_smoothing=0.1)
//!     sgd.zero_grad(); loss.backward()
//!     losses.append(loss.item())
//!     if step == 0:
//!         print("train", z.flatten().tolist())
//!         print("gradients", [norm(p.grad) for p in net.parameters()])
//!         print("statistics", [norm(t) for n, t in state if "running" in n])
//!     sgd.step()
//! print("losses", losses)
//! print("weights", [norm(t) for n, t in state])
//! ```

#![allow(clippy::unreadable_literal, reason = "printed by another program")]

use mnas_space::{Architecture, ParameterKind, ParameterSpec};
use tch::{Device, Kind, Reduction, Tensor};

use super::{Network, channels_last};
use crate::Optimizer;
use crate::testing::recipe;
use mnas_engine::training::Recipe;

/// A full convolution, depthwise separable, identity with stride, inverted residuals with and without a residual sum,
/// squeeze-excite with both gates, and a head with a hidden layer.
const ARCHITECTURE: &str = "in17,conv_k3_s2_c8_nhs,ds_k3_c12_nr6,id_s2_c16,ir_k5_e2_c16_se0.25_nhs,\
                            ir_k3_s2_e3_c20_sq8_gsi_nsw,head_f24_nhs_o5";

/// Scores before training, evaluation mode.
const EVAL: [f64; 20] = [
    2.577511, -3.865627, -9.320154, -12.27472, 2.467496, 0.5795223, -1.889479, -6.06507, -3.729165, 0.5343104,
    1.399522, -1.191399, -6.566322, -5.804932, 2.001467, -1.659396, -2.61667, 0.2389115, -0.2629011, 2.392522,
];

/// Scores before training, training mode.
const TRAIN: [f64; 20] = [
    1.15373,
    1.385422,
    0.2867289,
    -0.6361737,
    0.8420739,
    0.4699636,
    0.2895907,
    -0.3498384,
    -0.09619504,
    -0.1155391,
    0.4001653,
    -0.4480844,
    -0.9750289,
    -0.1098666,
    -0.3746059,
    -0.5742866,
    -0.7917127,
    -0.5035743,
    0.8421706,
    0.6665717,
];

/// Norm of every trained tensor's first gradient.
const GRADIENTS: [f64; 42] = [
    1.695202, 0.2184067, 0.2995968, 0.9093985, 0.4314234, 0.3734306, 0.6742952, 0.3119394, 0.3474226, 0.5949197,
    0.287877, 0.0, 0.5469658, 0.07618543, 0.1050976, 0.6575522, 0.2414001, 0.1491502, 0.1689533, 0.1247361, 0.02709964,
    0.06035718, 0.6587586, 0.251968, 0.0, 0.6106387, 0.04491031, 0.1067642, 0.4442046, 0.3534524, 0.207744, 0.4460343,
    0.2123615, 0.1002568, 0.1020925, 0.8495537, 0.2576677, 0.4252802, 0.6223843, 0.2056471, 0.7171317, 0.1096176,
];

/// Norms of the running means and variances after the first step.
const STATISTICS: [f64; 20] = [
    0.1726774, 4.158709, 0.1926631, 2.982178, 0.3640734, 3.611425, 0.351109, 3.872513, 0.3963619, 6.765573, 0.3937533,
    5.586277, 0.2857212, 3.732826, 0.515652, 11.0274, 0.5201409, 6.870746, 0.3026518, 4.174821,
];

/// The loss of each of three steps.
const LOSSES: [f64; 3] = [1.532334, 0.9270953, 0.6708917];

/// Norm of every tensor after three steps.
const WEIGHTS: [f64; 62] = [
    4.844285, 2.828267, 0.2294327, 0.1916836, 6.137087, 4.950859, 2.680087, 0.2426777, 0.3067098, 2.86449, 6.026483,
    3.353566, 0.2591152, 0.6799924, 3.447976, 6.647361, 4.135571, 0.2689052, 0.6374119, 3.729277, 9.896379, 6.122775,
    0.3994455, 0.4098324, 9.247984, 9.706741, 5.851904, 0.393543, 0.4921423, 5.300754, 4.820544, 0.1789417, 10.07312,
    0.3982615, 6.771756, 4.091007, 0.2732585, 0.2983906, 3.221056, 12.11153, 7.452695, 0.492691, 0.6833072, 18.80483,
    11.96245, 7.250852, 0.4923481, 0.6698181, 6.768642, 4.808269, 0.1903393, 12.27377, 0.4827728, 7.570787, 4.629188,
    0.3852305, 0.3289095, 3.685517, 8.49161, 0.3424634, 3.843618, 0.1849843,
];

/// sin(i^2 + shift), computed in 64 bits.
fn wave(count: usize, shift: f64) -> Vec<f64> {
    (0..count).map(|index| ((index * index) as f64 + shift).sin()).collect()
}

fn tensor(values: &[f64], shape: &[i64]) -> Tensor {
    Tensor::from_slice(values).to_kind(Kind::Float).view(shape)
}

fn weights(index: usize, spec: &ParameterSpec) -> Tensor {
    let fan_in: usize = spec.shape[1..].iter().product();
    let (scale, offset) = match spec.kind {
        ParameterKind::ConvolutionWeight | ParameterKind::LinearWeight => ((6.0 / fan_in as f64).sqrt(), 0.0),
        ParameterKind::Bias | ParameterKind::BatchNormShift | ParameterKind::RunningMean => (0.1, 0.0),
        ParameterKind::BatchNormScale | ParameterKind::RunningVariance | ParameterKind::LayerScale => (0.3, 1.0),
    };
    let values: Vec<f64> = wave(spec.elements(), index as f64)
        .into_iter()
        .map(|value| scale * value + offset)
        .collect();
    let shape: Vec<i64> = spec.shape.iter().map(|&size| size as i64).collect();
    tensor(&values, &shape)
}

fn network() -> Network {
    let mut network = Network::new(ARCHITECTURE.parse::<Architecture>().unwrap().graph(), Device::Cpu, 0).unwrap();
    let values = network
        .tensors()
        .enumerate()
        .map(|(index, (spec, _))| (spec.name.clone(), weights(index, spec)));
    let values = values.collect();
    network.assign(&values).unwrap();
    network
}

fn batch() -> (Tensor, Tensor) {
    let images: Vec<f64> = wave(4 * 3 * 17 * 17, 0.5)
        .into_iter()
        .map(|value| 2.0 * value)
        .collect();
    let images = channels_last(&tensor(&images, &[4, 3, 17, 17])).unwrap();
    (images, Tensor::from_slice(&[0i64, 3, 1, 4]))
}

fn norm(tensor: &Tensor) -> f64 {
    tensor.detach().norm().double_value(&[])
}

fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (one, other)) in found.iter().zip(expected).enumerate() {
        let error = (one - other).abs();
        assert!(
            error <= 1e-4 * other.abs() + 1e-6,
            "{what} {index}: {one}, PyTorch has {other}"
        );
    }
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::<f32>::try_from(&tensor.detach().contiguous().view([-1]))
        .unwrap()
        .into_iter()
        .map(f64::from)
        .collect()
}

#[test]
fn outputs_gradients_and_updates_are_those_of_pytorch() {
    let network = network();
    let (images, labels) = batch();
    let scores = tch::no_grad(|| network.forward(&images, false)).unwrap();
    assert_close("score", &values(&scores), &EVAL);

    let recipe = Recipe {
        weight_decay: 0.01,
        ..recipe(1, 4, 0.05)
    };
    let mut optimizer = Optimizer::new(&network, &recipe).unwrap();
    let mut losses = Vec::new();
    for step in 0..3 {
        let scores = network.forward(&images, true).unwrap();
        let loss = scores.cross_entropy_loss(&labels, None::<Tensor>, Reduction::Mean, -100, 0.1);
        let gradients = optimizer.gradients(&loss).unwrap();
        losses.push(loss.double_value(&[]));
        if step == 0 {
            assert_close("score in training", &values(&scores), &TRAIN);
            let norms: Vec<f64> = gradients.iter().map(norm).collect();
            assert_close("gradient", &norms, &GRADIENTS);
            let running = network.tensors().filter(|(spec, _)| !spec.kind.is_trained());
            let statistics: Vec<f64> = running.map(|(_, tensor)| norm(tensor)).collect();
            assert_close("running statistic", &statistics, &STATISTICS);
        }
        optimizer.step(gradients, 0.05).unwrap();
    }
    assert_close("loss", &losses, &LOSSES);
    let weights: Vec<f64> = network.tensors().map(|(_, tensor)| norm(tensor)).collect();
    assert_close("tensor", &weights, &WEIGHTS);
}

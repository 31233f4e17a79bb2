//! Numbers made with `PyTorch` 2.11 in 64-bit floats by this script:
//!
//! ```python
//! import torch
//! torch.set_default_dtype(torch.float64)
//!
//! class TensorFlowRmsProp(torch.optim.Optimizer):
//!     def __init__(self, groups, **defaults): super().__init__(groups, defaults)
//!     @torch.no_grad()
//!     def step(self):
//!         for group in self.param_groups:
//!             for p in group["params"]:
//!                 s = self.state[p]
//!                 if not s: s["ms"], s["mom"] = torch.ones_like(p), torch.zeros_like(p)
//!                 g = p.grad + group["weight_decay"] * p
//!                 s["ms"].mul_(group["decay"]).add_((1 - group["decay"]) * g * g)
//!                 s["mom"].mul_(group["momentum"]).add_(group["lr"] * g / (s["ms"] + group["epsilon"]).sqrt())
//!                 p.sub_(s["mom"])
//!
//! wave = lambda n, k: torch.sin(torch.arange(n) ** 2 + k)
//! def run(make, clip=None):
//!     torch.manual_seed(0)
//!     w = wave(24, 0.3).view(8, 3, 1, 1).requires_grad_()      # kernels
//!     b = (1 + 0.1 * wave(8, 0.7)).requires_grad_()            # batch-norm's scale: no decay
//!     x = wave(3 * 16, 1.1).view(4, 3, 2, 2)
//!     opt = make([{"params": [w], "weight_decay": 0.01}, {"params": [b], "weight_decay": 0.0}])
//!     norms = []
//!     for step in range(4):
//!         y = torch.nn.functional.conv2d(x, w) * b.view(1, 8, 1, 1)
//!         loss = (y ** 2).sum() * (step + 1) / 10
//!         opt.zero_grad(); loss.backward()
//!         if clip: norms.append(torch.nn.utils.clip_grad_norm_([w, b], clip).item())
//!         opt.step()
//!     return [round(v, 9) for v in w.flatten()[:6].tolist() + b[:4].tolist()], norms
//! print("sgd clipped", *run(lambda g: torch.optim.SGD(g, lr=0.05, momentum=0.9, nesterov=True), clip=0.5))
//! print("rmsprop", run(lambda g: TensorFlowRmsProp(g, lr=0.05, momentum=0.9, decay=0.9, epsilon=0.001))[0])
//! print("adamw", run(lambda g: torch.optim.AdamW(g, lr=0.05, betas=(0.9, 0.999), eps=1e-8))[0])
//! ```

#![allow(clippy::unreadable_literal, reason = "printed by another program")]

use tch::{Kind, Tensor};

use super::Optimizer;
use super::rules::Rule;
use crate::Network;
use crate::testing::{network, recipe};
use mnas_engine::training::OptimizerKind;
use mnas_engine::training::Recipe;

fn wave(count: i64, shift: f64) -> Tensor {
    let index = Tensor::arange(count, (Kind::Double, tch::Device::Cpu));
    (&index * &index + shift).sin()
}

/// Six kernel values and four scales after four steps, and the norms of the gradients before each.
fn run(rule: Rule, clip_norm: Option<f64>) -> (Vec<f64>, Vec<f64>) {
    let kernels = wave(24, 0.3).view([8, 3, 1, 1]).set_requires_grad(true);
    let scales = (wave(8, 0.7) * 0.1 + 1.0).set_requires_grad(true);
    let images = wave(3 * 16, 1.1).view([4, 3, 2, 2]);
    let tensors = [
        ("kernels".to_owned(), kernels.shallow_clone(), 0.01),
        ("scales".to_owned(), scales.shallow_clone(), 0.0),
    ];
    let mut optimizer = Optimizer::over(rule, clip_norm, tensors.into_iter()).unwrap();
    let mut norms = Vec::new();
    for step in 0..4 {
        let scores = images.conv2d(&kernels, None::<Tensor>, 1, 0, 1, 1) * scales.view([1, 8, 1, 1]);
        let loss = scores.square().sum(Kind::Double) * (f64::from(step + 1) / 10.0);
        let gradients = optimizer.gradients(&loss).unwrap();
        let square = |tensor: &Tensor| tensor.square().sum(Kind::Double).double_value(&[]);
        norms.push(gradients.iter().map(square).sum::<f64>().sqrt());
        optimizer.step(gradients, 0.05).unwrap();
    }
    let values = |tensor: &Tensor, count: i64| {
        let flat = tensor.detach().view([-1]).narrow(0, 0, count);
        Vec::<f64>::try_from(&flat).unwrap()
    };
    ([values(&kernels, 6), values(&scales, 4)].concat(), norms)
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (one, other) in found.iter().zip(expected) {
        assert!((one - other).abs() < 1e-8, "{found:?}, PyTorch has {expected:?}");
    }
}

#[test]
fn clipped_sgd_is_that_of_pytorch() {
    let (values, norms) = run(Rule::of(OptimizerKind::Sgd, 0.9), Some(0.5));
    assert_close(
        &values,
        &[
            0.274224532,
            0.897195822,
            -0.846883495,
            0.115583186,
            -0.519956394,
            0.148403016,
            0.948185132,
            1.078282437,
            0.762421625,
            0.91298478,
        ],
    );
    assert_close(
        &norms,
        &[
            9.702360409336201,
            18.695540777034658,
            26.57635980276684,
            33.06313235072318,
        ],
    );
}

#[test]
fn rmsprop_is_that_of_the_papers() {
    let kind = OptimizerKind::Rmsprop {
        decay: 0.9,
        epsilon: 0.001,
    };
    let (values, _) = run(Rule::of(kind, 0.9), None);
    assert_close(
        &values,
        &[
            -0.004379084,
            0.247525409,
            -0.185150416,
            -0.034690752,
            0.018321437,
            -0.120893251,
            0.138332651,
            0.760389673,
            -0.069409826,
            0.235830238,
        ],
    );
}

#[test]
fn adamw_is_that_of_pytorch() {
    let kind = OptimizerKind::Adamw {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
    };
    let (values, _) = run(Rule::of(kind, 0.9), None);
    assert_close(
        &values,
        &[
            0.095886721,
            0.764242574,
            -0.71685293,
            -0.055183805,
            -0.358595951,
            -0.032867938,
            0.866534534,
            0.899573127,
            0.702147096,
            0.774256878,
        ],
    );
}

/// The tensors that weight decay acts on.
fn decayed(network: &Network, recipe: &Recipe) -> Vec<String> {
    let optimizer = Optimizer::new(network, recipe).unwrap();
    let decayed = optimizer.parameters.iter().filter(|one| one.weight_decay > 0.0);
    decayed.map(|one| one.name.clone()).collect()
}

#[test]
fn biases_and_batch_norm_do_not_decay_and_depthwise_kernels_on_request() {
    let network = network("in16,conv_k3_s2_c8_nhs,ds_k3_c8_nr6,head_o4", 1);
    let mut recipe = Recipe {
        weight_decay: 0.1,
        ..recipe(1, 16, 0.1)
    };
    let all = decayed(&network, &recipe);
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(
        all.iter()
            .all(|name| name.ends_with("weight") && !name.contains(".bn.")),
        "{all:?}"
    );
    recipe.decay_depthwise = false;
    let fewer = decayed(&network, &recipe);
    assert_eq!(fewer.len(), 3, "{fewer:?}");
}

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ds_k3_c8_nr6,head_f16_nhs_o4";

/// Values of the classifier, and of all other trained tensors.
fn parts(network: &Network) -> [Vec<f32>; 2] {
    let mut parts = [Vec::new(), Vec::new()];
    for (spec, tensor) in network.tensors().filter(|(spec, _)| spec.kind.is_trained()) {
        let part = usize::from(!network.is_of_classifier(&spec.name));
        parts[part].extend(crate::testing::values(tensor));
    }
    parts
}

/// One step of `optimizer` at rate 0.1.
fn step(network: &Network, optimizer: &mut Optimizer) {
    let mode = crate::network::TrainingMode {
        is_backbone_frozen: optimizer.trains_classifier_only(),
        ..Default::default()
    };
    let scores = network
        .forward_as(&crate::testing::noise(4, 16, 3), Some(&mode))
        .unwrap();
    let gradients = optimizer.gradients(&scores.square().sum(Kind::Float)).unwrap();
    optimizer.step(gradients, 0.1).unwrap();
}

#[test]
fn the_classifier_is_the_last_layer_and_trained_alone_at_first() {
    let network = network(SMALL, 1);
    let of_classifier: Vec<&str> = network
        .tensors()
        .map(|(spec, _)| spec.name.as_str())
        .filter(|name| network.is_of_classifier(name))
        .collect();
    assert_eq!(
        of_classifier,
        ["head.classifier.linear.weight", "head.classifier.linear.bias"]
    );
    let recipe = Recipe {
        weight_decay: 0.1,
        ..recipe(1, 16, 0.1)
    };
    let mut optimizer = Optimizer::new(&network, &recipe).unwrap().with_head_steps(2);
    let [classifier, others] = parts(&network);
    let all = crate::testing::all_values(&network);
    for _ in 0..2 {
        step(&network, &mut optimizer);
    }
    let [trained, frozen] = parts(&network);
    assert!(trained != classifier && frozen == others);
    // Running statistics too: all tensors but the classifier's two.
    let differing = crate::testing::all_values(&network)
        .iter()
        .zip(&all)
        .filter(|(one, other)| one != other)
        .count();
    assert_eq!(differing, 2);
    step(&network, &mut optimizer);
    let [_, moved] = parts(&network);
    assert!(moved != others);
}

#[test]
fn the_backbone_has_its_own_rate_and_first_step() {
    // The first step of AdamW has the size of the rate, whatever the gradient.
    let recipe = Recipe {
        optimizer: OptimizerKind::Adamw {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-12,
        },
        backbone_rate: 0.25,
        ..recipe(1, 16, 0.1)
    };
    for head_steps in [0, 3] {
        let network = network(SMALL, 1);
        let mut optimizer = Optimizer::new(&network, &recipe).unwrap().with_head_steps(head_steps);
        for _ in 0..head_steps {
            step(&network, &mut optimizer);
        }
        let [_, before] = parts(&network);
        step(&network, &mut optimizer);
        let [_, after] = parts(&network);
        let most = before
            .iter()
            .zip(&after)
            .map(|(one, other)| (one - other).abs())
            .fold(0.0, f32::max);
        assert!((most - 0.025).abs() < 1e-4, "{head_steps}: {most}");
    }
}

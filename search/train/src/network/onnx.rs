//! Scores of exported networks in ONNX Runtime equal those in libtorch.

use std::ops::ControlFlow;
use std::path::PathBuf;

use mnas_latency::runtimes::OnnxRuntime;
use mnas_space::onnx::{self, OnnxOptions};
use mnas_space::{Activation, Architecture, Gate};

use super::Network;
use crate::data::normalization_of;
use crate::testing::{any_architecture, images, info, network, noise, recipe, shake, values};
use crate::{TrainPlan, train, weights_of};

/// The library, or `None` with a note where there is none.
fn runtime() -> Option<OnnxRuntime> {
    let given = std::env::var_os("ORT_DYLIB_PATH")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let library = given
        .or_else(|| option_env!("ORT_DYLIB_PATH").map(PathBuf::from))
        .filter(|path| path.exists());
    if let Some(library) = library {
        return Some(OnnxRuntime::new(&library, 1).unwrap());
    }
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    {
        eprintln!(
            "SKIPPED: tests of exported networks need ONNX Runtime; run `cargo xtask setup` or set ORT_DYLIB_PATH"
        );
    }
    None
}

/// Asserts that the scores of the exported network differ by less than 1e-4 of the largest score.
fn assert_equal_scores(architecture: &Architecture, network: &Network, runtime: &OnnxRuntime) {
    let text = architecture.to_string();
    let weights = weights_of(network, info(&text)).unwrap();
    let file = onnx::encode(&architecture.graph(), &weights, &OnnxOptions::default()).unwrap();
    for seed in 0..2 {
        let image = noise(1, i64::from(architecture.resolution), seed);
        let expected = values(&tch::no_grad(|| network.forward(&image, false)).unwrap());
        let found = runtime.infer(&file, architecture.input(), values(&image));
        let found = found.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.len(), expected.len(), "{text}");
        let largest = expected.iter().fold(1e-6_f32, |most, score| most.max(score.abs()));
        for (one, other) in expected.iter().zip(&found) {
            assert!(
                (one - other).abs() < 1e-4 * largest,
                "{text}: {found:?} in place of {expected:?}"
            );
        }
    }
}

#[test]
fn every_activation_and_gate_of_trained_networks() {
    let Some(runtime) = runtime() else { return };
    tch::set_num_threads(1);
    let splits = images(32, 4);
    for (activation, gate) in Activation::ALL
        .into_iter()
        .flat_map(|one| Gate::ALL.map(|gate| (one, gate)))
    {
        let (n, g) = (activation.code(), gate.code());
        let text = format!(
            "in17,conv_k3_s2_c8_n{n},ds_k5_c12_se0.25_g{g}_n{n},id_s2_c16,ir_k3_e3_c16_se0.25_g{g}_n{n},\
             ir_k5_s2_e2_c20_n{n},conv_k1_c32_n{n},head_f16_n{n}_o4"
        );
        // Some steps, so that no batch-norm is the identity.
        let network = network(&text, 1);
        let plan = TrainPlan {
            train: &splits.train,
            val: &splits.val,
            resolution: 16,
            normalization: normalization_of(&splits.train),
            recipe: &recipe(3, 16, 0.1),
            seed: 1,
            validate_every_epoch: false,
            checkpoint: None,
        };
        train(&network, &plan, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_equal_scores(&text.parse().unwrap(), &network, &runtime);
    }
}

/// Every block type and option in random order: GELU, layer scale, channel shuffle, other constants of batch-norm.
#[test]
fn random_networks() {
    let Some(runtime) = runtime() else { return };
    tch::set_num_threads(1);
    let mut tested = String::new();
    for index in 0..80 {
        let architecture = any_architecture(index);
        let mut network = Network::new(architecture.graph(), tch::Device::Cpu, 1).unwrap();
        shake(&mut network, index);
        assert_equal_scores(&architecture, &network, &runtime);
        tested += &architecture.to_string();
    }
    for option in [
        "uib_a",
        "_nge",
        "_ls",
        "_gr4",
        "_eps0.001",
        "_mom0.01",
        "_si0.25",
        "_sn",
        "_fb",
        "_fn",
        "noskip",
    ] {
        assert!(tested.contains(option), "no network has `{option}`");
    }
}

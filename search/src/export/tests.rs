use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use mnas_latency::runtimes::OnnxRuntime;
use mnas_space::{Activation, Architecture, Gate};

use super::{ExportError, check_onnx, write_onnx, write_toml};
use mnas_engine::training::Normalization;
use mnas_engine::training::weights::Weights;
use mnas_train::{Network, TrainPlan, train};
use mnas_train::{any_architecture, images, info, network, recipe, shake};

/// The library, or `None` with a loud word where there is none.
fn runtime() -> Option<OnnxRuntime> {
    let given = std::env::var_os("ORT_DYLIB_PATH")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let library = given
        .or_else(|| option_env!("MNAS_ONNXRUNTIME").map(PathBuf::from))
        .filter(|path| path.exists());
    if let Some(library) = library {
        return Some(OnnxRuntime::new(&library, 1).unwrap());
    }
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    {
        eprintln!("SKIPPED: tests of exported files need ONNX Runtime; run `cargo xtask setup` or set ORT_DYLIB_PATH");
    }
    None
}

/// Trained for some steps, so that no batch-norm is the identity.
fn trained(text: &str) -> (Architecture, Weights) {
    tch::set_num_threads(1);
    let network = network(text, 1);
    let splits = images(32, 4);
    let plan = TrainPlan {
        train: &splits.train,
        val: &splits.val,
        resolution: 16,
        normalization: Normalization::of(&splits.train),
        recipe: &recipe(3, 16, 0.1),
        seed: 1,
        validate_every_epoch: false,
        checkpoint: None,
    };
    train(&network, &plan, &mut |_| ControlFlow::Continue(())).unwrap();
    (text.parse().unwrap(), Weights::of(&network, info(text)).unwrap())
}

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ir_k3_e2_c8_se0.25_nhs,head_f16_nhs_o4";

#[test]
fn exported_networks_compute_what_libtorch_computes() {
    let Some(runtime) = runtime() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    for (activation, gate) in Activation::ALL
        .into_iter()
        .flat_map(|one| Gate::ALL.map(|gate| (one, gate)))
    {
        let (n, g) = (activation.code(), gate.code());
        let text = format!(
            "in17,conv_k3_s2_c8_n{n},ds_k5_c12_se0.25_g{g}_n{n},id_s2_c16,ir_k3_e3_c16_se0.25_g{g}_n{n},\
             ir_k5_s2_e2_c20_n{n},conv_k1_c32_n{n},head_f16_n{n}_o4"
        );
        let (architecture, weights) = trained(&text);
        write_onnx(&architecture, &weights, Path::new("weights"), &path).unwrap();
        let difference = check_onnx(&architecture, &weights, Path::new("weights"), &path, &runtime).unwrap();
        assert!(difference < 1e-4, "{text}: {difference}");
    }
}

/// Every block type and option in random order: GELU, layer scale, channel shuffle, other constants of batch-norm.
#[test]
fn random_networks_compute_in_onnx_runtime_what_they_compute_in_libtorch() {
    let Some(runtime) = runtime() else { return };
    tch::set_num_threads(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let mut written = String::new();
    for index in 0..80 {
        let architecture = any_architecture(index);
        let text = architecture.to_string();
        let mut network = Network::new(architecture.graph(), tch::Device::Cpu, 1).unwrap();
        shake(&mut network, index);
        let weights = Weights::of(&network, info(&text)).unwrap();
        write_onnx(&architecture, &weights, Path::new("weights"), &path).unwrap();
        let difference = check_onnx(&architecture, &weights, Path::new("weights"), &path, &runtime);
        let difference = difference.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(difference < 1e-4, "{text}: {difference}");
        written += &text;
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
        assert!(written.contains(option), "no network has `{option}`");
    }
}

#[test]
fn a_file_that_computes_something_else_is_not_to_be_used() {
    let Some(runtime) = runtime() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let (architecture, weights) = trained(SMALL);
    write_onnx(&architecture, &weights, Path::new("weights"), &path).unwrap();

    // The classifier's biases are stored as they are: one of them is changed in the file.
    let network = {
        let mut network = Network::new(architecture.graph(), tch::Device::Cpu, 0).unwrap();
        weights.load_into(&mut network, Path::new("weights")).unwrap();
        network
    };
    let (_, bias) = network.tensors().last().unwrap();
    let biases = crate::train::testing::values(bias);
    let pattern: Vec<u8> = biases.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
        .unwrap();
    bytes[at..at + 4].copy_from_slice(&(biases[0] + 1.0).to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let error = check_onnx(&architecture, &weights, Path::new("weights"), &path, &runtime).unwrap_err();
    assert!(
        matches!(error, ExportError::Differs { difference, .. } if difference > 1e-2),
        "{error}"
    );
    assert!(
        error.to_string().contains("model.onnx") && error.to_string().contains("not to be used"),
        "{error}"
    );

    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let error = check_onnx(&architecture, &weights, Path::new("weights"), &path, &runtime).unwrap_err();
    assert!(matches!(error, ExportError::Differs { .. }), "{error}");

    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = check_onnx(&architecture, &weights, Path::new("weights"), &path, &runtime).unwrap_err();
    assert!(matches!(error, ExportError::Runtime(_)), "{error}");
}

#[test]
fn weights_of_another_architecture_are_refused_before_a_file_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let weights = Weights::of(&network(SMALL, 1), info(SMALL)).unwrap();
    let other: Architecture = SMALL.replace("k3_e2", "k5_e2").parse().unwrap();
    let error = write_onnx(&other, &weights, Path::new("their/weights"), &path)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("their/weights") && error.contains("blocks.1.depthwise.conv.weight"),
        "{error}"
    );
    assert!(!path.exists());
}

#[test]
fn architectures_are_read_back_from_their_toml() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best/architecture.toml");
    let architecture: Architecture = SMALL.parse().unwrap();
    write_toml(&architecture, &path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&format!("# {architecture}\n")));
    assert_eq!(Architecture::from_toml(&text).unwrap(), architecture);
}

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mnas_engine::training::Normalization;
use mnas_engine::training::weights::{Weights, WeightsInfo};
use mnas_engine::worker::Floats;
use mnas_latency::runtimes::OnnxRuntime;
use mnas_space::Architecture;
use mnas_space::onnx::{RandomWeights, WeightSource};

use super::check::random_images;
use super::{Check, ExportError, ExportNetwork, Format, Onnx, PyTorch, Toml, Verifier, export};

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ir_k3_e3_c8_se0.25_nhs,head_f16_nhs_o4";

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
        eprintln!("SKIPPED: tests of exported files need ONNX Runtime; run `cargo xtask setup` or set ORT_DYLIB_PATH");
    }
    None
}

/// Random weights of a network of 4 classes.
fn weights(text: &str) -> (Architecture, Weights) {
    let architecture: Architecture = text.parse().unwrap();
    let source = RandomWeights { seed: 1 };
    let values: BTreeMap<_, _> = architecture
        .graph()
        .parameters()
        .map(|spec| {
            let values = source.values(&spec).unwrap().into_owned();
            (spec.name, (spec.shape, values))
        })
        .collect();
    let info = WeightsInfo {
        architecture: text.to_owned(),
        train_resolution: 16,
        image_size: None,
        normalization: Normalization::IMAGENET,
        classes: ["cat", "dog", "Käse", "a\nb"].map(str::to_owned).to_vec(),
        early_strides_removed: 0,
        data: None,
    };
    (architecture, Weights::new(values, Some(info)))
}

pub(super) fn network() -> ExportNetwork {
    let (architecture, weights) = weights(SMALL);
    ExportNetwork::trained(architecture, &weights, Path::new("weights")).unwrap()
}

/// A verifier that expects these scores.
fn verifier(network: &ExportNetwork, runtime: OnnxRuntime, scores: &[Floats]) -> Verifier {
    Verifier::new(&network.architecture, Some(runtime), None).with_scores(scores.to_vec())
}

#[test]
fn a_file_with_other_scores_than_expected_is_refused_and_not_kept() {
    let Some(runtime) = runtime() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let network = network();
    let images = random_images(&network.architecture);
    let onnx = Onnx { fold: true };
    onnx.write(&network, &path, &Verifier::new(&network.architecture, None, None))
        .unwrap();
    let whole = std::fs::read(&path).unwrap();
    let score = |Floats(image): &Floats| {
        Floats(
            runtime
                .infer(&whole, network.architecture.input(), image.clone())
                .unwrap(),
        )
    };
    let expected: Vec<Floats> = images.iter().map(score).collect();
    std::fs::remove_file(&path).unwrap();

    let good = verifier(&network, runtime, &expected);
    let exported = export(&network, &onnx, &path, &good).unwrap();
    assert!(
        matches!(&exported.check, Check::Agrees(agreement) if agreement.difference < 1e-6),
        "{exported:?}"
    );
    assert_eq!(exported.bytes, whole.len() as u64);
    std::fs::remove_file(&path).unwrap();

    let mut wrong = expected.clone();
    wrong[1].0[2] += 1.0;
    for scores in [&expected[1..], &wrong[..]] {
        let bad = verifier(&network, super::tests::runtime().unwrap(), scores);
        let error = export(&network, &onnx, &path, &bad).unwrap_err();
        assert!(
            matches!(error, ExportError::Differs { difference, .. } if difference > 1e-2),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .starts_with("model.onnx: ONNX Runtime's scores differ"),
            "{error}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn damaged_files_are_refused() {
    let Some(runtime) = runtime() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let network = network();
    let onnx = Onnx { fold: true };
    let scores = vec![Floats(vec![0.0; 4]); 2];
    let verifier = verifier(&network, runtime, &scores);
    onnx.write(&network, &path, &verifier).unwrap();
    let whole = std::fs::read(&path).unwrap();

    // The biases of the classifier are stored as they are: one of them is changed in the file.
    let bias = network.graph.parameters().last().unwrap();
    let trained = network.trained.as_ref().unwrap();
    let biases = trained.weights.values(&bias).unwrap().into_owned();
    let pattern: Vec<u8> = biases.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut bytes = whole.clone();
    let at = bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
        .unwrap();
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let error = onnx.check(&network, &path, &verifier).unwrap_err();
    assert!(
        matches!(error, ExportError::Differs { difference, .. } if difference.is_infinite()),
        "{error}"
    );

    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = onnx.check(&network, &path, &verifier).unwrap_err();
    assert!(matches!(error, ExportError::Runtime(_)), "{error}");
}

#[test]
fn the_images_of_a_check_are_reproducible_and_differ() {
    let architecture: Architecture = SMALL.parse().unwrap();
    let images = random_images(&architecture);
    assert_eq!(images, random_images(&architecture));
    assert_ne!(images[0], images[1]);
    assert!(images.iter().all(|Floats(image)| image.len() == 3 * 16 * 16));
}

#[test]
fn weights_of_another_architecture_are_refused() {
    let (_, weights) = weights(SMALL);
    let other: Architecture = SMALL.replace("k3_e3", "k5_e3").parse().unwrap();
    let error = ExportNetwork::trained(other, &weights, Path::new("their/weights"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("their/weights") && error.contains("blocks.1.depthwise.conv.weight"),
        "{error}"
    );
}

#[test]
fn architectures_are_read_back_from_their_toml() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best/architecture.toml");
    let network = ExportNetwork::untrained(SMALL.parse().unwrap());
    let verifier = Verifier::new(&network.architecture, None, None);
    let exported = export(&network, &Toml, &path, &verifier).unwrap();
    assert_eq!(exported.check, Check::Exact);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&format!("# {}\n", network.architecture)));
    assert_eq!(Architecture::from_toml(&text).unwrap(), network.architecture);
    let error = export(&network, &PyTorch, &path, &verifier).unwrap_err();
    assert!(matches!(error, ExportError::NoWeights { format: "pytorch" }), "{error}");
}

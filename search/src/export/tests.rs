use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mnas_engine::training::Normalization;
use mnas_engine::training::weights::{Weights, WeightsInfo};
use mnas_engine::worker::Floats;
use mnas_latency::runtimes::OnnxRuntime;
use mnas_space::Architecture;
use mnas_space::onnx::{RandomWeights, WeightSource};

use super::{ExportError, compare, random_images, write_onnx, write_toml};

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

#[test]
fn a_file_with_other_scores_than_expected_is_refused() {
    let Some(runtime) = runtime() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let (architecture, weights) = weights(SMALL);
    write_onnx(&architecture, &weights, Path::new("weights"), &path).unwrap();
    let images = random_images(&architecture);
    let whole = std::fs::read(&path).unwrap();
    let score = |Floats(image): &Floats| Floats(runtime.infer(&whole, architecture.input(), image.clone()).unwrap());
    let expected: Vec<Floats> = images.iter().map(score).collect();
    let check = || compare(&architecture, &path, &runtime, &images, &expected);
    assert!(check().unwrap() < 1e-6);
    let error = compare(&architecture, &path, &runtime, &images, &expected[1..]).unwrap_err();
    assert!(matches!(error, ExportError::Differs { .. }), "{error}");

    // The biases of the classifier are stored as they are: one of them is changed in the file.
    let bias = architecture.graph().parameters().last().unwrap();
    let biases = weights.values(&bias).unwrap().into_owned();
    let pattern: Vec<u8> = biases.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut bytes = whole.clone();
    let at = bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
        .unwrap();
    bytes[at..at + 4].copy_from_slice(&(biases[0] + 1.0).to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let error = check().unwrap_err();
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
    let error = check().unwrap_err();
    assert!(matches!(error, ExportError::Differs { .. }), "{error}");

    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = check().unwrap_err();
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
fn weights_of_another_architecture_are_refused_before_a_file_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let (_, weights) = weights(SMALL);
    let other: Architecture = SMALL.replace("k3_e3", "k5_e3").parse().unwrap();
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

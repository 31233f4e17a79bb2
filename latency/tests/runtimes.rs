//! Contract tests of runtimes, run on each runtime.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use mnas_latency::runtimes::{FakeRuntime, FakeSettings, LiteRt, OnnxRuntime};
use mnas_latency::{MeasureSettings, Measurer, Model, Runtime, RuntimeError};
use mnas_space::{Architecture, BlockKey};

/// ONNX Runtime library under test. Without it, tests of ONNX Runtime fail in continuous integration, and are skipped with a message
/// otherwise.
fn library() -> Option<PathBuf> {
    let path = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    if path.is_none() {
        let missing = "tests of ONNX Runtime need ORT_DYLIB_PATH, the path of its library";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{missing}");
        eprintln!("SKIPPED: {missing}");
    }
    path
}

/// LiteRT library under test; without it, tests of LiteRT are skipped with a message.
fn litert() -> Option<PathBuf> {
    let path = std::env::var_os("LITERT_DYLIB_PATH").map(PathBuf::from);
    if path.is_none() {
        eprintln!("SKIPPED: tests of LiteRT need LITERT_DYLIB_PATH, the path of its library");
    }
    path
}

fn runtimes() -> Vec<Box<dyn Runtime>> {
    let mut runtimes: Vec<Box<dyn Runtime>> = vec![Box::new(FakeRuntime::new(FakeSettings::default()))];
    if let Some(library) = library() {
        runtimes.push(Box::new(OnnxRuntime::new(&library, 1).unwrap()));
    }
    if let Some(library) = litert() {
        runtimes.push(Box::new(LiteRt::new(&library, 1).unwrap()));
        runtimes.push(Box::new(LiteRt::new(&library, 1).unwrap().with_int8()));
    }
    #[cfg(feature = "tract")]
    runtimes.push(Box::new(mnas_latency::runtimes::TractRuntime));
    runtimes
}

fn block(text: &str) -> Model {
    Model::block(&text.parse::<BlockKey>().unwrap())
}

#[test]
fn a_runtime_has_a_name_and_a_version() {
    for runtime in runtimes() {
        assert!(!runtime.name().is_empty());
        assert!(
            runtime.version().chars().next().is_some_and(|c| c.is_ascii_digit()),
            "{}",
            runtime.version()
        );
    }
}

#[test]
fn every_kind_of_block_and_a_network_run() {
    let blocks = [
        "conv_k3_s2_c16_nsw@3x33x33",
        "ds_k5_c24_se0.25_nre@16x20x20",
        "ir_k3_e4_c16_sq8_gsi_nhs@16x9x9",
        "ir_k7_s2_e1_c24_nr6@16x9x9",
        "id_s2_c24@16x8x8",
        "head_f64_nhs_o10@16x5x5",
        "head_o10@16x5x5",
    ];
    let network: Architecture = "in48,conv_k3_s2_c16_nhs,ir_r2_k3_s2_e4_c24_se0.25_nre,head_o10"
        .parse()
        .unwrap();
    for mut runtime in runtimes() {
        let models = blocks.iter().map(|text| block(text)).chain([Model::network(&network)]);
        for model in models {
            let mut loaded = runtime.load(&model).unwrap();
            let ms = loaded.run(3).unwrap().0;
            assert!(ms.is_finite() && ms > 0.0, "{} {}", runtime.name(), model.name);
        }
    }
}

#[test]
fn more_work_takes_longer() {
    let (small, large) = (block("ir_k3_e2_c16_nre@16x14x14"), block("ir_k5_e6_c64_nre@64x56x56"));
    for mut runtime in runtimes() {
        let mut measurer = Measurer::new(runtime.as_mut(), MeasureSettings::quick(), None).unwrap();
        let (small, large) = (measurer.measure(&small).unwrap(), measurer.measure(&large).unwrap());
        assert!(large.median_ms > 3.0 * small.median_ms, "{small:?} {large:?}");
        assert!(small.p10_ms <= small.median_ms && small.median_ms <= small.p90_ms);
    }
}

#[test]
fn two_models_live_beside_each_other() {
    for mut runtime in runtimes() {
        let mut one = runtime.load(&block("conv_k3_c8_nre@3x16x16")).unwrap();
        let mut other = runtime.load(&block("head_o10@16x5x5")).unwrap();
        for _ in 0..3 {
            assert!(one.run(1).unwrap().0 > 0.0 && other.run(1).unwrap().0 > 0.0);
        }
    }
}

#[test]
fn a_missing_or_wrong_library_is_named() {
    let missing = OnnxRuntime::new(Path::new("/nowhere/libonnxruntime.so"), 1)
        .err()
        .unwrap();
    assert!(matches!(&missing, RuntimeError::LibraryMissing { .. }), "{missing}");
    assert!(missing.to_string().contains("/nowhere/libonnxruntime.so"), "{missing}");
    // A file that is not a library; if another library is already loaded, the error reports that instead.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no library").unwrap();
    let wrong = OnnxRuntime::new(file.path(), 1).err().unwrap();
    let known = matches!(
        &wrong,
        RuntimeError::LibraryUnusable { .. } | RuntimeError::AnotherLibrary { .. }
    );
    assert!(
        known && wrong.to_string().contains(&*file.path().to_string_lossy()),
        "{wrong}"
    );
}

//! Tests that TFLite files in LiteRT give the same results as ONNX files of the same networks and weights in ONNX Runtime.
//!
//! The variables `LITERT_DYLIB_PATH` and `ORT_DYLIB_PATH` contain the paths of the libraries; `cargo xtask test` sets them.
#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mnas_latency::runtimes::OnnxRuntime;
use mnas_latency::runtimes::litert::{CalibrationError, LiteRt, calibrate};
use mnas_latency::{Model, Runtime, RuntimeError};
use mnas_space::onnx::{self, OnnxOptions};
use mnas_space::quantisation::{Clipping, Range, Ranges};
use mnas_space::tflite::{self, Interface, Precision, TfliteOptions};
use mnas_space::{
    Architecture, BlockKey, Graph, ParameterKind, ParameterSpec, RandomWeights, Reference, SearchSpace, Shape,
    WeightSource,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Largest accepted difference of results in 32-bit floats, relative to the largest result.
const TOLERANCE: f32 = 1e-4;
/// Largest accepted difference of results in 8-bit integers, relative to the largest result, for random weights and four
/// calibration images.
const INT8_TOLERANCE: f32 = 0.4;
const EVERYTHING: &str = include_str!("../../tests/spaces/everything.toml");

/// Library whose path is in a variable. Without it, tests are skipped with a message, but fail in continuous integration.
fn library(variable: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let is_required = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(
        !is_required,
        "{variable} is not set; run the tests with `cargo xtask test`"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("SKIPPED {test}: {variable}, the path of a library, is not set\n");
    // Not with `eprintln!`, which the test harness shows for failed tests only.
    let _ = std::io::stderr().write_all(line.as_bytes());
    None
}

/// Random weights with weak residual branches, as in trained networks. With strong ones, rounding errors grow from block to
/// block, and in networks of forty blocks and more the results of any two runtimes differ completely.
struct Conditioned;

impl WeightSource for Conditioned {
    fn values(&self, parameter: &ParameterSpec) -> Option<Cow<'_, [f32]>> {
        let mut values = RandomWeights { seed: 7 }.values(parameter)?;
        let is_end_of_branch = parameter.name.contains(".project.bn.");
        if is_end_of_branch && parameter.kind == ParameterKind::BatchNormScale {
            for value in values.to_mut() {
                *value *= 0.3;
            }
        }
        Some(values)
    }
}

/// Runtimes under test.
struct Bed {
    litert: LiteRt,
    onnx_runtime: OnnxRuntime,
}

fn bed() -> Option<Bed> {
    let (litert, onnx_runtime) = (library("LITERT_DYLIB_PATH")?, library("ORT_DYLIB_PATH")?);
    Some(Bed {
        litert: LiteRt::new(&litert, 1).unwrap(),
        onnx_runtime: OnnxRuntime::new(&onnx_runtime, 1).unwrap(),
    })
}

/// Results of a file.
struct Answer {
    values: Vec<f32>,
    is_fully_accelerated: bool,
}

impl Bed {
    /// Largest difference between LiteRT and ONNX Runtime relative to the largest result, and true if XNNPACK executes the whole
    /// file.
    fn compare(&self, graph: &Graph, name: &str, precision: Precision) -> (f32, bool) {
        let weights = Conditioned;
        let image = image(graph.input, 1);
        let file = onnx::encode(graph, &weights, &OnnxOptions::default()).unwrap();
        let expected = self.onnx_runtime.infer(&file, graph.input, image.clone()).unwrap();
        let answer = self.answer(graph, name, precision, &image);
        (
            relative_difference(&expected, &answer.values),
            answer.is_fully_accelerated,
        )
    }

    fn answer(&self, graph: &Graph, name: &str, precision: Precision, image: &[f32]) -> Answer {
        let options = TfliteOptions {
            precision,
            ..TfliteOptions::default()
        };
        let file = tflite::encode(graph, &Conditioned, &options).unwrap();
        let mut session = self.litert.session(&file, name).unwrap();
        let outputs = session.infer(&channels_last(image, graph.input)).unwrap();
        Answer {
            values: channels_first(&outputs[0].values, graph.output_shape()),
            is_fully_accelerated: session.is_fully_accelerated().unwrap(),
        }
    }

    /// Ranges of a network on some images.
    fn calibrate(&self, graph: &Graph, clipping: Clipping) -> Ranges {
        let images = (1..5).map(|seed| channels_last(&image(graph.input, seed), graph.input));
        calibrate(&self.litert, graph, &Conditioned, images, clipping).unwrap()
    }
}

/// Values around zero as `[channels, height, width]`, similar to those of a normalised image.
fn image(shape: Shape, seed: u64) -> Vec<f32> {
    use rand::Rng;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let noise = |rng: &mut ChaCha8Rng| (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
    (0..shape.elements())
        .map(|place| (place as f32 * 0.01).sin() + noise(&mut rng))
        .collect()
}

fn channels_last(values: &[f32], shape: Shape) -> Vec<f32> {
    let area = (shape.height * shape.width) as usize;
    let channels = shape.channels as usize;
    (0..area * channels)
        .map(|place| values[place % channels * area + place / channels])
        .collect()
}

fn channels_first(values: &[f32], shape: Shape) -> Vec<f32> {
    let area = (shape.height * shape.width) as usize;
    let channels = shape.channels as usize;
    (0..area * channels)
        .map(|place| values[place % area * channels + place / area])
        .collect()
}

fn relative_difference(expected: &[f32], found: &[f32]) -> f32 {
    assert_eq!(expected.len(), found.len());
    let greatest = expected
        .iter()
        .fold(f32::MIN_POSITIVE, |greatest, value| greatest.max(value.abs()));
    let difference = expected
        .iter()
        .zip(found)
        .map(|(expected, found)| (expected - found).abs());
    // A maximum would ignore NaN.
    assert!(found.iter().all(|value| value.is_finite()));
    difference.fold(0.0, f32::max) / greatest
}

fn references() -> impl Iterator<Item = (&'static str, Graph)> {
    Reference::all().iter().map(|reference| {
        let (width, resolution) = (reference.widths()[0], reference.native_resolution());
        let network = reference.architecture(width, resolution, 1000).unwrap();
        (reference.name(), network.graph())
    })
}

/// Random networks of every space at small sizes.
fn random_networks(per_space: u64) -> impl Iterator<Item = (String, Graph)> {
    let embedded = SearchSpace::embedded_names().filter_map(|name| Some((name, SearchSpace::embedded(name)?)));
    let spaces = std::iter::once(("everything", EVERYTHING)).chain(embedded);
    spaces.flat_map(move |(name, text)| {
        let space = SearchSpace::from_toml(text).unwrap();
        (0..per_space).map(move |seed| {
            let genotype = space.sample(&mut ChaCha8Rng::seed_from_u64(seed));
            let network = space.express(&genotype, 10 + (seed % 11) as u32);
            let size = 32 + (seed * 7 % 40) as u32;
            (format!("{name}: {network}"), network.with_resolution(size).graph())
        })
    })
}

#[test]
fn references_agree_with_onnx_runtime_and_are_fully_accelerated() {
    let Some(bed) = bed() else { return };
    for (name, graph) in references() {
        let (difference, is_full) = bed.compare(&graph, name, Precision::Float32);
        assert!(
            difference <= TOLERANCE && is_full,
            "{name}: {difference}, whole graph {is_full}"
        );
    }
}

fn check_random_networks(per_space: u64) -> f32 {
    let Some(bed) = bed() else { return 0.0 };
    let compared = random_networks(per_space).map(|(name, graph)| {
        let (difference, is_full) = bed.compare(&graph, &name, Precision::Float32);
        assert!(
            difference <= TOLERANCE && is_full,
            "{name}: {difference}, whole graph {is_full}"
        );
        difference
    });
    compared.fold(0.0, f32::max)
}

#[test]
fn random_networks_agree_with_onnx_runtime() {
    check_random_networks(6);
}

#[test]
#[ignore = "takes minutes"]
fn many_random_networks_agree_with_onnx_runtime() {
    let greatest = check_random_networks(200);
    let _ = writeln!(std::io::stderr(), "greatest relative difference {greatest:e}");
}

#[test]
fn layers_alone_agree_with_onnx_runtime() {
    let Some(bed) = bed() else { return };
    let keys = [
        "conv_k3_s2_c16_nsw@3x33x33",
        "conv_k5_s2_c16_nge@3x32x32",
        "ds_k5_c24_se0.25_nre@16x20x20",
        "ir_k3_e4_c16_sq8_gsi_nhs@16x9x9",
        "ir_k7_s2_e1_c24_nr6@16x8x8",
        "ir_k7_s2_e1_c24_nr6@16x1x1",
        "ir_k3_e1_c16_gr2_nre@16x9x9",
        "er_k3_s2_e4_c24_nre@16x10x10",
        "uib_a5_k3_e4_c24_nge_ls@24x9x9",
        "id_s2_c24@16x8x8",
        "id_c24@24x8x8",
        "head_f64_nhs_o10@16x5x5",
        "head_fb64_nhs_o10@16x5x5",
        "head_o10@16x5x5",
    ];
    for key in keys {
        let graph = key.parse::<BlockKey>().unwrap().graph();
        let (difference, is_full) = bed.compare(&graph, key, Precision::Float32);
        assert!(
            difference <= TOLERANCE && is_full,
            "{key}: {difference}, whole graph {is_full}"
        );
    }
}

#[test]
fn weights_of_16_bit_floats_change_results_little() {
    let Some(bed) = bed() else { return };
    for (name, graph) in random_networks(2) {
        let (difference, is_full) = bed.compare(&graph, &name, Precision::Float16);
        assert!(
            difference <= 5e-3 && is_full,
            "{name}: {difference}, whole graph {is_full}"
        );
    }
}

#[test]
fn missing_and_wrong_libraries_are_named() {
    let missing = LiteRt::new(Path::new("/nowhere/libLiteRt.so"), 1).err().unwrap();
    assert!(matches!(&missing, RuntimeError::LibraryMissing { .. }), "{missing}");
    assert!(missing.to_string().contains("/nowhere/libLiteRt.so"), "{missing}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no library").unwrap();
    let wrong = LiteRt::new(file.path(), 1).err().unwrap();
    let is_known = matches!(
        &wrong,
        RuntimeError::LibraryUnusable { .. } | RuntimeError::AnotherLibrary { .. }
    );
    assert!(
        is_known && wrong.to_string().contains(&*file.path().to_string_lossy()),
        "{wrong}"
    );
}

#[test]
fn files_that_are_not_models_are_refused() {
    let Some(bed) = bed() else { return };
    for file in [&b""[..], b"not a model", b"    TFL3 and nothing else"] {
        let error = bed.litert.session(file, "broken.tflite").err().unwrap();
        assert!(
            error.is_refusal() && error.to_string().contains("broken.tflite"),
            "{error}"
        );
    }
    let graph = "head_o10@16x5x5".parse::<BlockKey>().unwrap().graph();
    let file = tflite::encode(&graph, &Conditioned, &TfliteOptions::default()).unwrap();
    let error = bed
        .litert
        .session(&file, "head")
        .unwrap()
        .infer(&[0.0; 3])
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("`input` has 12 bytes instead of 1600"),
        "{error}"
    );
}

/// Compares 8-bit results, with ranges by a clipping rule.
fn int8(bed: &Bed, graph: &Graph, name: &str, clipping: Clipping) -> (f32, bool) {
    let ranges = bed.calibrate(graph, clipping);
    let interface = Interface::Float32;
    bed.compare(graph, name, Precision::Int8 { ranges, interface })
}

#[test]
fn networks_of_8_bit_integers_are_near_those_of_floats() {
    let Some(bed) = bed() else { return };
    for (name, graph) in random_networks(3) {
        let (difference, is_full) = int8(&bed, &graph, &name, Clipping::Extremes);
        // GELU has no 8-bit operator in XNNPACK.
        let is_expected = is_full || name.contains("_nge");
        assert!(
            difference <= INT8_TOLERANCE && is_expected,
            "{name}: {difference}, whole graph {is_full}"
        );
    }
}

#[test]
fn references_of_8_bit_integers_are_fully_accelerated() {
    let Some(bed) = bed() else { return };
    for (name, graph) in references() {
        let range = Range::new(-4.0, 4.0).unwrap();
        let precision = Precision::Int8 {
            ranges: Ranges::uniform(range),
            interface: Interface::Float32,
        };
        let answer = bed.answer(&graph, name, precision, &image(graph.input, 1));
        assert!(answer.is_fully_accelerated, "{name}");
    }
}

#[test]
fn calibration_reports_what_is_wrong_with_images() {
    let Some(bed) = bed() else { return };
    let graph = "in8,conv_k3_c4_nre,head_o2".parse::<Architecture>().unwrap().graph();
    let run = |images: &[Vec<f32>]| {
        calibrate(&bed.litert, &graph, &Conditioned, images, Clipping::Extremes)
            .err()
            .unwrap()
    };
    assert!(matches!(run(&[]), CalibrationError::NoImages));
    let wrong = run(&[vec![0.0; 5]]);
    assert!(
        matches!(
            wrong,
            CalibrationError::WrongImage {
                found: 5,
                expected: 192
            }
        ),
        "{wrong}"
    );
    let not_finite = run(&[vec![f32::NAN; 192]]);
    assert!(
        matches!(&not_finite, CalibrationError::NotFinite { .. }),
        "{not_finite}"
    );
}

#[test]
fn models_of_both_precisions_are_timed() {
    let Some(path) = library("LITERT_DYLIB_PATH") else {
        return;
    };
    let network: Architecture = "in48,conv_k3_s2_c16_nhs,ir_r2_k3_s2_e4_c24_se0.25_nre,head_o10"
        .parse()
        .unwrap();
    let runtimes = [
        LiteRt::new(&path, 1).unwrap(),
        LiteRt::new(&path, 2).unwrap(),
        LiteRt::new(&path, 1).unwrap().with_int8(),
    ];
    for mut runtime in runtimes {
        for model in [
            Model::network(&network),
            Model::block(&"ir_k3_e4_c16_nhs@16x9x9".parse().unwrap()),
        ] {
            let ms = runtime.load(&model).unwrap().run(3).unwrap().0;
            assert!(ms.is_finite() && ms > 0.0, "{}", model.name);
        }
    }
}

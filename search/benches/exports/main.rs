//! Agreement of exported files with libtorch, and their acceptance by LiteRT: all references, and random networks of every space.
//!
//! Every network gets random weights, is written as ONNX, TFLite and TFLite in 8-bit integers, and is read back. A row of the table counts the
//! networks of a space: the largest difference of a score to libtorch's, as a share of the largest score, and the networks that
//! XNNPACK computes as a whole. Networks that differ by more than 1e-4, or that a runtime refuses, are listed.
//!
//! ```text
//! cargo build --release --locked -p mnas-train --bins
//! MNAS_WORKER=$PWD/target/release/mnas-worker cargo bench --locked -p mnas-search --bench exports -- --networks 200
//! ```
//!
//! Options: `--networks N` random networks of each space (200), `--seed N` (0), `--only SPACE` (or `references`).
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

mod row;

use std::path::{Path, PathBuf};

use mnas_engine::training::weights::Weights;
use mnas_engine::worker::Floats;
use mnas_latency::runtimes::{LiteRt, OnnxRuntime};
use mnas_search::export::{
    Calibration, Check, ExportError, ExportNetwork, Format, Onnx, Tflite, TflitePrecision, Verifier,
};
use mnas_space::quantisation::Clipping;
use mnas_space::random::stream;
use mnas_space::{Architecture, RandomWeights, Reference, SearchSpace, WeightSource};
use rand::distr::Distribution;
use rand_distr::StandardNormal;

use row::{Acceptance, Row};

const CLASSES: u32 = 1000;
/// Images that 8-bit integers are calibrated on.
const CALIBRATION_IMAGES: u64 = 2;

struct Options {
    networks: u64,
    seed: u64,
    only: Option<String>,
}

fn main() {
    let options = options();
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(folder.path(), options.seed);
    println!("{}", Row::HEADINGS);
    if wanted("references") {
        let mut row = Row::new("references");
        for reference in Reference::all() {
            let resolution = reference.native_resolution();
            let architecture = reference.architecture(1.0, resolution, CLASSES).unwrap();
            row.add(reference.name(), files.check(architecture));
        }
        row.print();
    }
    for name in SearchSpace::embedded_names().filter(|name| wanted(name)) {
        let space = SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap();
        let mut row = Row::new(name);
        for number in 0..options.networks {
            let genotype = space.sample(&mut stream(options.seed, "exports", number, 0));
            let architecture = space.express(&genotype, CLASSES);
            row.add(&architecture.to_string(), files.check(architecture));
        }
        row.print();
    }
}

fn options() -> Options {
    let mut options = Options {
        networks: 200,
        seed: 0,
        only: None,
    };
    // cargo adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        let value = arguments.next();
        let value = value.unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--networks" => options.networks = value.parse().unwrap(),
            "--seed" => options.seed = value.parse().unwrap(),
            "--only" => options.only = Some(value),
            other => panic!("unknown option {other}; expected --networks, --seed or --only"),
        }
    }
    options
}

/// Files of one network after another, all in the same folder, with the programs that read them.
struct Files {
    folder: PathBuf,
    seed: u64,
    verifier: Verifier,
}

impl Files {
    fn new(folder: &Path, seed: u64) -> Self {
        let library = |variable: &str| {
            let path = std::env::var_os(variable);
            PathBuf::from(path.unwrap_or_else(|| panic!("set {variable}: eval \"$(cargo xtask env)\"")))
        };
        let onnx_runtime = OnnxRuntime::new(&library("ORT_DYLIB_PATH"), 1).unwrap();
        let litert = LiteRt::new(&library("LITERT_DYLIB_PATH"), 1).unwrap();
        let any = Reference::all()[0].architecture(1.0, 32, 1).unwrap();
        Self {
            folder: folder.to_path_buf(),
            seed,
            verifier: Verifier::new(&any, Some(onnx_runtime), Some(litert)),
        }
    }

    /// Writes and reads back a network in all formats.
    fn check(&mut self, architecture: Architecture) -> Result<Acceptance, ExportError> {
        self.verifier.restart(&architecture);
        let path = self.folder.join("weights.safetensors");
        let weights = random_weights(&architecture, self.seed);
        weights.write(&path)?;
        let network = ExportNetwork::trained(architecture, &weights, &path)?;
        let fp32 = Tflite {
            precision: TflitePrecision::Float32,
        };
        let (onnx, _) = self.difference(&network, &Onnx { fold: true })?;
        let (tflite, is_whole) = self.difference(&network, &fp32)?;
        Ok(Acceptance {
            onnx,
            tflite,
            fp32_is_whole: is_whole,
            int8_is_whole: self.int8_is_whole(&network)?,
        })
    }

    /// Largest difference of the scores, and false where a remark says that a part of the network is not accelerated.
    fn difference(&self, network: &ExportNetwork, format: &dyn Format) -> Result<(f64, bool), ExportError> {
        let path = self.folder.join("model");
        format.write(network, &path, &self.verifier)?;
        match format.check(network, &path, &self.verifier)? {
            Check::Agrees(agreement) => Ok((agreement.difference, agreement.remark.is_none())),
            other => panic!("{}: {other:?}", format.name()),
        }
    }

    /// Checks whether XNNPACK computes the whole network in 8-bit integers.
    fn int8_is_whole(&self, network: &ExportNetwork) -> Result<bool, ExportError> {
        let litert = self.verifier.litert.as_ref();
        let pixels = network.graph.input.elements() as usize;
        let image = |number| {
            let rng = stream(self.seed, "calibration", number, 0);
            let values: rand::distr::Iter<_, _, f32> = StandardNormal.sample_iter(rng);
            Floats(values.take(pixels).collect())
        };
        let images: Vec<Floats> = (0..CALIBRATION_IMAGES).map(image).collect();
        let calibration = Calibration::on(&images, network, litert, Clipping::Extremes)?;
        let int8 = Tflite {
            precision: TflitePrecision::Int8(calibration),
        };
        let session = litert.unwrap().session(&int8.encode(network)?, "8-bit integers")?;
        Ok(session.is_fully_accelerated()?)
    }
}

fn random_weights(architecture: &Architecture, seed: u64) -> Weights {
    let source = RandomWeights { seed };
    let graph = architecture.graph();
    let tensors = graph.parameters().map(|spec| {
        let values = source.values(&spec).unwrap().into_owned();
        (spec.name, (spec.shape, values))
    });
    Weights::new(tensors.collect(), None)
}

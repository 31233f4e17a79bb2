//! Files of a network for other programs: TOML, safetensors, ONNX.

use std::path::{Path, PathBuf};

use mnas_latency::runtimes::OnnxRuntime;
use mnas_latency::{LatencyError, RuntimeError};
use mnas_space::onnx::{OnnxError, OnnxOptions};
use mnas_space::{Architecture, onnx};
use rand::distr::Distribution;
use rand_distr::StandardNormal;

use mnas_engine::files::{self, FileError};
use mnas_engine::training::TrainDevice;
use mnas_engine::training::weights::{Weights, WeightsError};
use mnas_engine::worker::{Floats, FromWorker, ScoresRequest, ToWorker};
use mnas_space::random::stream;

use crate::worker_client::{WorkerClient, WorkerError};

/// Largest accepted difference between libtorch's scores and those of the exported file, relative to the largest score.
const TOLERANCE: f64 = 1e-3;

/// Images that an exported file is checked with.
const CHECKED_IMAGES: u64 = 2;

/// Failure of an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The weights do not fit or cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The network has no ONNX form.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// ONNX Runtime cannot execute the file.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A latency cannot be computed.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// libtorch cannot compute the scores.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The scores of the exported file differ from libtorch's.
    #[error(
        "{}: ONNX Runtime's scores differ from libtorch's by {difference:.2e} of the largest score (at most {TOLERANCE:.0e} is \
         accepted); the file is not to be used", path.display()
    )]
    Differs {
        /// The ONNX file.
        path: PathBuf,
        /// Largest difference as a share of the largest score.
        difference: f64,
    },
}

/// Writes the architecture as TOML.
pub fn write_toml(architecture: &Architecture, path: &Path) -> Result<(), ExportError> {
    let header = format!("# {architecture}\n# id {}\n", architecture.id());
    Ok(files::write_atomically(
        path,
        (header + &architecture.to_toml()).as_bytes(),
    )?)
}

/// Writes the network as ONNX, batch-norm folded; errors about the weights name `weights_path`.
///
/// The metadata of the file hold the normalisation of the images and the names of the classes.
pub fn write_onnx(
    architecture: &Architecture,
    weights: &Weights,
    weights_path: &Path,
    path: &Path,
) -> Result<(), ExportError> {
    let graph = architecture.graph();
    let weights = &*weights.fitted(&graph, weights_path)?;
    let mut metadata = vec![("mnas.architecture".to_owned(), architecture.to_string())];
    if let Some(info) = &weights.info {
        let numbers = |values: [f32; 3]| values.map(|value| value.to_string()).join(",");
        metadata.push(("mnas.mean".to_owned(), numbers(info.normalization.mean)));
        metadata.push(("mnas.std".to_owned(), numbers(info.normalization.std)));
        metadata.push(("mnas.classes".to_owned(), info.classes.join("\n")));
        metadata.push(("mnas.train_resolution".to_owned(), info.train_resolution.to_string()));
    }
    let name = format!("mnas-{}", architecture.id());
    let options = OnnxOptions {
        name,
        metadata,
        ..OnnxOptions::default()
    };
    Ok(files::write_atomically(
        path,
        &onnx::encode(&graph, weights, &options)?,
    )?)
}

/// Compares the scores of the ONNX file at `path` with those of libtorch on images of random pixels; returns the largest difference as a
/// share of the largest score. libtorch reads the weights from the file `weights`.
pub fn check_onnx(
    architecture: &Architecture,
    weights: &Path,
    path: &Path,
    runtime: &OnnxRuntime,
) -> Result<f64, ExportError> {
    let images = random_images(architecture);
    let request = ToWorker::Scores(Box::new(ScoresRequest {
        architecture: architecture.to_string(),
        weights: weights.to_path_buf(),
        images: images.clone(),
    }));
    match WorkerClient::start(TrainDevice::Cpu)?.request(&request)? {
        FromWorker::Scores(scores) => compare(architecture, path, runtime, &images, &scores),
        other => Err(WorkerError::unexpected(&other).into()),
    }
}

/// Normally distributed pixels, the same ones for every network of a resolution.
fn random_images(architecture: &Architecture) -> Vec<Floats> {
    let pixels = architecture.input().elements() as usize;
    let image = |seed| {
        let values: rand::distr::Iter<_, _, f32> = StandardNormal.sample_iter(stream(seed, "export check", 0, 0));
        Floats(values.take(pixels).collect())
    };
    (0..CHECKED_IMAGES).map(image).collect()
}

/// Compares the scores of the ONNX file at `path` on `images` with the expected ones.
fn compare(
    architecture: &Architecture,
    path: &Path,
    runtime: &OnnxRuntime,
    images: &[Floats],
    expected: &[Floats],
) -> Result<f64, ExportError> {
    let file = files::read(path)?;
    let mut worst = if images.len() == expected.len() {
        0.0
    } else {
        f64::INFINITY
    };
    for (Floats(image), Floats(expected)) in images.iter().zip(expected) {
        let found = runtime.infer(&file, architecture.input(), image.clone())?;
        worst = f64::max(worst, relative_difference(expected, &found));
    }
    if worst > TOLERANCE {
        return Err(ExportError::Differs {
            path: path.to_path_buf(),
            difference: worst,
        });
    }
    Ok(worst)
}

/// Largest difference as a share of the largest expected score; infinite where the numbers of scores differ or a score is not a number,
/// which a plain maximum would ignore.
fn relative_difference(expected: &[f32], found: &[f32]) -> f64 {
    let finite = expected.iter().chain(found).all(|score| score.is_finite());
    if expected.len() != found.len() || !finite {
        return f64::INFINITY;
    }
    let largest = expected.iter().fold(1e-6f32, |most, score| most.max(score.abs()));
    let difference = expected
        .iter()
        .zip(found)
        .fold(0f32, |most, (one, other)| most.max((one - other).abs()));
    f64::from(difference / largest)
}

#[cfg(test)]
mod tests;

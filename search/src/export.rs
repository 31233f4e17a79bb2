//! Files of a network for other programs: TOML, safetensors, ONNX.

use std::path::{Path, PathBuf};

use mnas_latency::runtimes::OnnxRuntime;
use mnas_latency::{LatencyError, RuntimeError};
use mnas_space::onnx::{OnnxError, OnnxOptions};
use mnas_space::{Architecture, onnx};
use tch::{Device, Kind, TchError, Tensor};

use mnas_engine::files::{self, FileError};
use mnas_engine::training::weights::{Weights, WeightsError};
use mnas_train::{Network, seeded};

/// The largest difference between libtorch's scores and those of the exported file that passes the check, relative to
/// the largest score.
const TOLERANCE: f64 = 1e-3;

/// Why a network could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The weights.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The ONNX writer.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// ONNX Runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// Latency.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// The weights cannot be put into a libtorch network.
    #[error(transparent)]
    Load(#[from] mnas_train::LoadError),
    /// libtorch.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// The exported file computes something else.
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

/// Writes the network as ONNX, batch-norm folded; `weights_path` is named where the weights do not fit.
///
/// The file's metadata say how images are to be normalised and what the classes are called.
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

/// Compares the file at `path` in ONNX Runtime with the same network in libtorch on images of random pixels; returns
/// the largest difference of scores as a share of the largest score.
pub fn check_onnx(
    architecture: &Architecture,
    weights: &Weights,
    weights_path: &Path,
    path: &Path,
    runtime: &OnnxRuntime,
) -> Result<f64, ExportError> {
    let mut network = Network::new(architecture.graph(), Device::Cpu, 0)?;
    mnas_train::load_weights(weights, &mut network, weights_path)?;
    let side = i64::from(architecture.resolution);
    let file = files::read(path)?;
    let mut worst = 0f64;
    for seed in 0..2 {
        let images = seeded(seed, || Tensor::f_randn([1, 3, side, side], (Kind::Float, Device::Cpu)))?;
        let ours = tch::no_grad(|| network.forward(&images, false))?;
        let ours = Vec::<f32>::try_from(&ours.f_view([-1])?)?;
        let values = Vec::<f32>::try_from(&images.f_contiguous()?.f_view([-1])?)?;
        let theirs = runtime.infer(&file, architecture.input(), values)?;
        worst = worst.max(relative_difference(&ours, &theirs));
    }
    if worst > TOLERANCE {
        return Err(ExportError::Differs {
            path: path.to_path_buf(),
            difference: worst,
        });
    }
    Ok(worst)
}

/// The largest difference as a share of the largest of our scores; infinite where the numbers of scores differ or one
/// of them is not a number, which a plain maximum would pass over.
fn relative_difference(ours: &[f32], theirs: &[f32]) -> f64 {
    let finite = ours.iter().chain(theirs).all(|score| score.is_finite());
    if ours.len() != theirs.len() || !finite {
        return f64::INFINITY;
    }
    let largest = ours.iter().fold(1e-6f32, |most, score| most.max(score.abs()));
    let difference = ours
        .iter()
        .zip(theirs)
        .fold(0f32, |most, (one, other)| most.max((one - other).abs()));
    f64::from(difference / largest)
}

#[cfg(test)]
mod tests;

//! Errors of exports.

use std::path::PathBuf;

use mnas_engine::files::FileError;
use mnas_engine::training::weights::WeightsError;
use mnas_latency::runtimes::litert::CalibrationError;
use mnas_latency::{LatencyError, RuntimeError};
use mnas_space::onnx::OnnxError;
use mnas_space::tflite::TfliteError;

use crate::worker_client::WorkerError;

/// Failure of an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The weights do not fit or cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The format needs weights, and there are none.
    #[error("--format {format} needs the weights of the network")]
    NoWeights {
        /// The format.
        format: &'static str,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The network has no ONNX form.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The network has no TFLite form.
    #[error(transparent)]
    Tflite(#[from] TfliteError),
    /// The ranges of activations cannot be found.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// 8-bit integers need LiteRT, which computes the ranges of activations.
    #[error(
        "--precision int8 needs LiteRT to calibrate the network; run `cargo xtask setup`, or set LITERT_DYLIB_PATH"
    )]
    NoLiteRt,
    /// A runtime cannot execute the file.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A latency cannot be computed.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// libtorch cannot compute the scores.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// Python cannot run the module.
    #[error("{python} cannot run the exported module: {reason}")]
    Python {
        /// The interpreter.
        python: String,
        /// Last line of its messages.
        reason: String,
    },
    /// The scores of the exported file differ from libtorch's.
    #[error(
        "{}: {reader}'s scores differ from libtorch's by {difference:.2e} of the largest score (at most {tolerance:.0e} is \
         accepted); the file was not kept", path.file_name().unwrap_or_default().display()
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// Program that read the file.
        reader: &'static str,
        /// Largest difference as a share of the largest score.
        difference: f64,
        /// Largest accepted difference.
        tolerance: f64,
    },
    /// The file that is read back holds another network.
    #[error("{}: the file read back holds another network; it was not kept", path.file_name().unwrap_or_default().display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

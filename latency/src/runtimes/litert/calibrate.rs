//! Calibration for 8-bit integers: ranges of a network's activations on images, computed in LiteRT.

use mnas_space::quantisation::{Clipping, Histogram, Ranges};
use mnas_space::tflite::{self, Outputs, TfliteError, TfliteOptions};
use mnas_space::{Graph, TensorId, WeightSource};

use super::runtime::LiteRt;
use crate::error::RuntimeError;

/// Error in the calibration of activation ranges.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CalibrationError {
    /// There are no images.
    #[error("calibration for int8 needs images, and there are none; give at least a few dozen of the training set")]
    NoImages,
    /// The size of an image differs from that of the network's input.
    #[error("an image for calibration has {found} values, but the network's input has {expected}")]
    WrongImage {
        /// Number of values of the image.
        found: usize,
        /// Number of values of the input.
        expected: u64,
    },
    /// An activation is not finite.
    #[error("`{name}` is not a finite number on the images for calibration; check the weights and images")]
    NotFinite {
        /// Name of the node that computes the activation.
        name: String,
    },
    /// The network cannot be written as TFLite.
    #[error(transparent)]
    File(#[from] TfliteError),
    /// The network cannot be run.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// Runs a network in 32-bit floats on images, and returns the range of each tensor of [`tflite::activations`].
///
/// Each image contains the values of the input as `[height, width, channels]`, normalised as in training.
pub fn calibrate<I: AsRef<[f32]>>(
    runtime: &LiteRt,
    graph: &Graph,
    weights: &dyn WeightSource,
    images: impl IntoIterator<Item = I>,
    clipping: Clipping,
) -> Result<Ranges, CalibrationError> {
    let options = TfliteOptions {
        outputs: Outputs::Activations,
        ..TfliteOptions::default()
    };
    let tensors = tflite::activations(graph);
    let names: Vec<String> = tensors.iter().map(|tensor| name(graph, *tensor)).collect();
    let mut session = runtime.session(&tflite::encode(graph, weights, &options)?, "calibration")?;
    let mut histograms = vec![Histogram::new(); tensors.len()];
    let mut count = 0;
    for image in images {
        let image = image.as_ref();
        if image.len() as u64 != graph.input.elements() {
            return Err(CalibrationError::WrongImage {
                found: image.len(),
                expected: graph.input.elements(),
            });
        }
        count += 1;
        histograms[0].add(image);
        for output in session.infer(image)? {
            if let Some(tensor) = names.iter().position(|name| *name == output.name) {
                histograms[tensor].add(&output.values);
            }
        }
    }
    if count == 0 {
        return Err(CalibrationError::NoImages);
    }
    let mut ranges = Ranges::new();
    for ((tensor, histogram), name) in tensors.into_iter().zip(&histograms).zip(names) {
        let range = histogram.range(clipping).ok_or(CalibrationError::NotFinite { name })?;
        ranges.insert(tensor, range);
    }
    Ok(ranges)
}

fn name(graph: &Graph, tensor: TensorId) -> String {
    tensor.producer().map_or_else(
        || tflite::INPUT_NAME.to_owned(),
        |node| graph.nodes[node].name.to_string(),
    )
}

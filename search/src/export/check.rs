//! Comparison of exported files with libtorch.

use std::cell::{OnceCell, RefCell};
use std::path::Path;

use mnas_engine::training::TrainDevice;
use mnas_engine::worker::{Floats, FromWorker, ScoresRequest, ToWorker, TorchScriptScoresRequest};
use mnas_latency::runtimes::{LiteRt, OnnxRuntime};
use mnas_space::random::stream;
use mnas_space::{Architecture, Shape};
use rand::distr::Distribution;
use rand_distr::StandardNormal;

use super::{ExportError, ExportNetwork};
use crate::worker_client::{WorkerClient, WorkerError};

/// Largest accepted difference between libtorch's scores and those of a file of 32-bit floats, relative to the largest score.
pub(super) const TOLERANCE: f64 = 1e-3;
/// Number of real images that a file is compared on.
pub const CHECKED_IMAGES: usize = 8;
/// Number of random images.
const RANDOM_IMAGES: u64 = 2;

/// Result of reading a file back.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// The scores agree.
    Agrees(Agreement),
    /// The file holds the same values.
    Exact,
    /// No program to read the file is installed.
    Unchecked {
        /// The program that is missing, and the remedy.
        reason: &'static str,
    },
}

/// Agreement of scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Program that read the file.
    pub reader: &'static str,
    /// Largest difference to libtorch's scores as a share of the largest score.
    pub difference: f64,
    /// Remarks about the file in the reader, such as parts that it runs slowly.
    pub remark: Option<String>,
}

/// Programs that read files back, and the images they are compared on.
pub struct Verifier {
    /// ONNX Runtime, `None` where it is not installed.
    pub onnx_runtime: Option<OnnxRuntime>,
    /// LiteRT, `None` where it is not installed.
    pub litert: Option<LiteRt>,
    /// Images, each `[3, height, width]`.
    images: Vec<Floats>,
    expected: OnceCell<Vec<Floats>>,
    /// The worker, started for the first request.
    worker: RefCell<Option<WorkerClient>>,
}

impl Verifier {
    /// Compares on normally distributed pixels, the same ones for every network of a resolution.
    pub fn new(architecture: &Architecture, onnx_runtime: Option<OnnxRuntime>, litert: Option<LiteRt>) -> Self {
        Self {
            onnx_runtime,
            litert,
            images: random_images(architecture),
            expected: OnceCell::new(),
            worker: RefCell::new(None),
        }
    }

    /// Compares files of another architecture from here on, with the same runtimes and the same worker, on normally distributed pixels.
    pub fn restart(&mut self, architecture: &Architecture) {
        self.expected = OnceCell::new();
        self.images = random_images(architecture);
    }

    /// Compares on these images instead, each `[height, width, 3]` as the network takes them.
    #[must_use]
    pub fn with_images(mut self, images: &[Floats], input: Shape) -> Self {
        self.expected = OnceCell::new();
        self.images = images.iter().map(|image| channels_first(image, input)).collect();
        self
    }

    /// Compares with these scores instead of libtorch's.
    #[cfg(test)]
    pub(super) fn with_scores(self, scores: Vec<Floats>) -> Self {
        self.expected.set(scores).expect("scores are given once");
        self
    }

    pub(super) fn images(&self) -> &[Floats] {
        &self.images
    }

    /// Scores that libtorch computes with a weight file.
    pub(super) fn libtorch(&self, network: &ExportNetwork, weights: &Path) -> Result<Vec<Floats>, ExportError> {
        self.scores(&ToWorker::Scores(Box::new(ScoresRequest {
            architecture: network.architecture.to_string(),
            weights: weights.to_path_buf(),
            images: self.images.clone(),
        })))
    }

    /// Scores that a TorchScript file computes for images of this shape.
    pub(super) fn torch_script(&self, file: &Path, input: Shape) -> Result<Vec<Floats>, ExportError> {
        self.scores(&ToWorker::TorchScriptScores(Box::new(TorchScriptScoresRequest {
            file: file.to_path_buf(),
            shape: [input.channels, input.height, input.width],
            images: self.images.clone(),
        })))
    }

    fn scores(&self, request: &ToWorker) -> Result<Vec<Floats>, ExportError> {
        match self.request(request)? {
            FromWorker::Scores(scores) => Ok(scores),
            other => Err(WorkerError::unexpected(&other).into()),
        }
    }

    /// Sends a request to the worker, which is started for the first.
    pub(super) fn request(&self, request: &ToWorker) -> Result<FromWorker, ExportError> {
        let mut worker = self.worker.borrow_mut();
        let worker = match worker.as_mut() {
            Some(worker) => worker,
            None => worker.insert(WorkerClient::start(TrainDevice::Cpu)?),
        };
        Ok(worker.request(request)?)
    }

    /// Compares scores with those of the network in libtorch.
    pub(super) fn compare(
        &self,
        network: &ExportNetwork,
        path: &Path,
        (reader, tolerance): (&'static str, f64),
        found: &[Floats],
    ) -> Result<Agreement, ExportError> {
        if self.expected.get().is_none() {
            let weights = &network.require(reader)?.source;
            // Another thread cannot have set it.
            let _ = self.expected.set(self.libtorch(network, weights)?);
        }
        let expected = self.expected.get().map_or(&[][..], Vec::as_slice);
        let difference = largest_difference(expected, found);
        if difference > tolerance {
            return Err(ExportError::Differs {
                path: path.to_path_buf(),
                reader,
                difference,
                tolerance,
            });
        }
        Ok(Agreement {
            reader,
            difference,
            remark: None,
        })
    }
}

/// Normally distributed pixels.
pub(super) fn random_images(architecture: &Architecture) -> Vec<Floats> {
    let pixels = architecture.input().elements() as usize;
    let image = |seed| {
        let values: rand::distr::Iter<_, _, f32> = StandardNormal.sample_iter(stream(seed, "export check", 0, 0));
        Floats(values.take(pixels).collect())
    };
    (0..RANDOM_IMAGES).map(image).collect()
}

/// `[height, width, channels]` -> `[channels, height, width]`.
pub fn channels_first(Floats(image): &Floats, input: Shape) -> Floats {
    let (channels, area) = (input.channels as usize, (input.height * input.width) as usize);
    let values = (0..channels * area).map(|place| image[place % area * channels + place / area]);
    Floats(values.collect())
}

/// `[channels, height, width]` -> `[height, width, channels]`.
pub(super) fn channels_last(Floats(image): &Floats, input: Shape) -> Vec<f32> {
    let (channels, area) = (input.channels as usize, (input.height * input.width) as usize);
    let values = (0..channels * area).map(|place| image[place % channels * area + place / channels]);
    values.collect()
}

/// Largest of the differences of several images; infinite where their numbers differ.
fn largest_difference(expected: &[Floats], found: &[Floats]) -> f64 {
    if expected.len() != found.len() {
        return f64::INFINITY;
    }
    let differences = expected
        .iter()
        .zip(found)
        .map(|(Floats(expected), Floats(found))| relative_difference(expected, found));
    differences.fold(0.0, f64::max)
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
mod tests {
    use super::*;

    #[test]
    fn layouts_are_inverse_to_each_other() {
        let input = Shape {
            channels: 3,
            height: 2,
            width: 2,
        };
        let image = Floats((0..12u8).map(f32::from).collect());
        let last = channels_last(&image, input);
        assert_eq!(last[..4], [0.0, 4.0, 8.0, 1.0]);
        assert_eq!(channels_first(&Floats(last), input), image);
    }
}

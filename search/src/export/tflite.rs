//! TFLite files.

use std::path::Path;

use mnas_engine::files;
use mnas_engine::worker::Floats;
use mnas_latency::runtimes::LiteRt;
use mnas_latency::runtimes::litert::calibrate;
use mnas_space::quantisation::{Clipping, Ranges};
use mnas_space::tflite::{self, Classifier, Interface, Precision, TfliteOptions};

use super::check::{TOLERANCE, channels_last};
use super::{Check, ExportError, ExportNetwork, Format, Verifier, notes};

/// Largest accepted difference of 16-bit weights, relative to the largest score.
const FLOAT16_TOLERANCE: f64 = 0.02;
/// Largest accepted difference of 8-bit integers, relative to the largest score: above it the scores have little in common.
const INT8_TOLERANCE: f64 = 0.5;
/// Default number of images that 8-bit integers are calibrated on.
pub const CALIBRATION_IMAGES: usize = 200;
/// Pixels are normalised on the scale where 255 is 1; TFLite's metadata count from 0 to 255.
const WHITE: f32 = 255.0;

/// TFLite with notes, and with labels and normalisation in TFLite's own metadata.
#[derive(Debug, Clone)]
pub struct Tflite {
    /// Numbers in the file.
    pub precision: TflitePrecision,
}

/// Numbers in a TFLite file.
#[derive(Debug, Clone)]
pub enum TflitePrecision {
    /// 32-bit floats.
    Float32,
    /// Weights of 16-bit floats.
    Float16,
    /// 8-bit integers with calibrated ranges of activations, and floats at the input and output.
    Int8(Calibration),
}

/// Ranges of a network's activations.
#[derive(Debug, Clone)]
pub struct Calibration {
    ranges: Ranges,
}

impl Calibration {
    /// Computes the ranges on images, each `[height, width, 3]` as the network takes them.
    pub fn on(
        images: &[Floats],
        network: &ExportNetwork,
        runtime: Option<&LiteRt>,
        clipping: Clipping,
    ) -> Result<Self, ExportError> {
        let runtime = runtime.ok_or(ExportError::NoLiteRt)?;
        let weights = &network.require("tflite")?.weights;
        let images = images.iter().map(|Floats(image)| image);
        Ok(Self {
            ranges: calibrate(runtime, &network.graph, weights, images, clipping)?,
        })
    }
}

impl Tflite {
    /// Bytes of the file of a network with weights.
    pub fn encode(&self, network: &ExportNetwork) -> Result<Vec<u8>, ExportError> {
        let trained = network.require("tflite")?;
        let precision = match &self.precision {
            TflitePrecision::Float32 => Precision::Float32,
            TflitePrecision::Float16 => Precision::Float16,
            TflitePrecision::Int8(calibration) => Precision::Int8 {
                ranges: calibration.ranges.clone(),
                interface: Interface::Float32,
            },
        };
        let classifier = trained.normalization.map(|normalization| Classifier {
            mean: normalization.mean.map(|mean| mean * WHITE).to_vec(),
            deviation: normalization.std.map(|deviation| deviation * WHITE).to_vec(),
            labels: trained.classes.iter().map(|class| notes::one_line(class)).collect(),
        });
        let options = TfliteOptions {
            description: network.label(),
            precision,
            metadata: notes::notes(network),
            classifier,
            ..TfliteOptions::default()
        };
        Ok(tflite::encode(&network.graph, &trained.weights, &options)?)
    }

    fn tolerance(&self) -> f64 {
        match self.precision {
            TflitePrecision::Float32 => TOLERANCE,
            TflitePrecision::Float16 => FLOAT16_TOLERANCE,
            TflitePrecision::Int8(_) => INT8_TOLERANCE,
        }
    }
}

impl Format for Tflite {
    fn name(&self) -> &'static str {
        "tflite"
    }

    fn write(&self, network: &ExportNetwork, path: &Path, _verifier: &Verifier) -> Result<(), ExportError> {
        Ok(files::write_atomically(path, &self.encode(network)?)?)
    }

    fn check(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<Check, ExportError> {
        let Some(runtime) = &verifier.litert else {
            return Ok(Check::Unchecked {
                reason: "LiteRT is not installed, see `mnas doctor`",
            });
        };
        let mut session = runtime.session(&files::read(path)?, "exported file")?;
        let scores = verifier.images().iter().map(|image| {
            let mut outputs = session.infer(&channels_last(image, network.graph.input))?;
            Ok(Floats(std::mem::take(&mut outputs[0].values)))
        });
        let found = scores.collect::<Result<Vec<_>, ExportError>>()?;
        let mut agreement = verifier.compare(network, path, ("LiteRT", self.tolerance()), &found)?;
        if !session.is_fully_accelerated()? {
            agreement.remark = Some("XNNPACK does not compute the whole network; parts of it run slowly".to_owned());
        }
        Ok(Check::Agrees(agreement))
    }
}

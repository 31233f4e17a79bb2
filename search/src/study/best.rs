//! Files of the best network of a study.

use std::path::Path;

use mnas_engine::files;
use mnas_engine::study::{StudyConfig, StudyFolder, StudyState, Trial, TrialOutcome};
use mnas_engine::training::weights::Weights;
use mnas_engine::worker::Floats;
use mnas_latency::runtimes::{LiteRt, OnnxRuntime};
use mnas_space::quantisation::Clipping;

use super::model_card::{BestTraining, CardFile, model_card};
use super::outcome::Outcome;
use crate::export::{
    CHECKED_IMAGES, Calibration, Check, ExportError, ExportNetwork, Format, Onnx, SafetensorsFile, Tflite,
    TflitePrecision, Verifier, export, export_architecture, labels,
};

/// Outcome of writing the best network's files.
#[derive(Debug, Clone, PartialEq)]
pub enum BestFiles {
    /// Written, and checked where a runtime is installed: the largest difference between libtorch's scores and the
    /// ONNX file's, as a share of the largest score.
    Written {
        /// The largest difference, `None` where it was not checked.
        difference: Option<f64>,
        /// The reason for the absence of the file with 8-bit integers, `None` where it was written.
        without_int8: Option<String>,
    },
    /// There is no candidate that keeps the constraints.
    None,
    /// Accuracies were looked up, so that there are no weights; only the architecture was written.
    ArchitectureOnly,
    /// The weights are missing (pruned, or the study was moved without them); only the architecture was written.
    WithoutWeights,
}

/// Reader of training images for the calibration of a network, or the reason for their absence.
pub type CalibrationImages<'a> = dyn Fn(&ExportNetwork) -> Result<Vec<Floats>, String> + 'a;

/// Writes `best/`: `architecture.toml`, and of a trained network `weights.safetensors`, `model.onnx`, `model.tflite`,
/// `model-int8.tflite`, `labels.txt`, `recipe.toml` and the model card `README.md`.
pub fn write_best(
    (folder, config, state): (&StudyFolder, &StudyConfig, &StudyState),
    outcome: &Outcome,
    (onnx_runtime, litert): (Option<OnnxRuntime>, Option<LiteRt>),
    images: &CalibrationImages<'_>,
) -> Result<BestFiles, ExportError> {
    let winner = outcome.winner().and_then(|index| outcome.rows[index].trial);
    let Some(trial) = winner.and_then(|number| state.trial(number)) else {
        return Ok(BestFiles::None);
    };
    let into = folder.best();
    let verifier = Verifier::new(&trial.architecture, onnx_runtime, litert);
    export_architecture(&trial.architecture, &into.join("architecture.toml"))?;
    let is_trained = matches!(&trial.outcome, TrialOutcome::Finished(result) if result.training.is_some());
    if !is_trained {
        return Ok(BestFiles::ArchitectureOnly);
    }
    let training = BestTraining::of(config, state, trial, outcome);
    let source = if training.as_ref().is_some_and(|training| training.is_final) {
        folder.finalist_weights(trial.number)
    } else {
        folder.weights(trial.number)
    };
    if !source.exists() {
        return Ok(BestFiles::WithoutWeights);
    }
    let network = ExportNetwork::trained(trial.architecture.clone(), &Weights::read(&source)?, &source)?;
    let mut files = write_models(&network, &into, &verifier)?;
    let without_int8 = match write_int8(&network, &into, verifier, images) {
        Ok(file) => {
            files.push(file);
            None
        }
        Err(reason) => {
            // A file of an earlier best network belongs to other weights.
            files::remove_if_there(&into.join(INT8))?;
            Some(reason)
        }
    };
    write_texts((config, state), (trial, training.as_ref()), &network, &files, &into)?;
    let onnx = files.iter().find(|file| file.name == ONNX);
    let difference = onnx.and_then(|file| match &file.exported.check {
        Check::Agrees(agreement) => Some(agreement.difference),
        Check::Exact | Check::Unchecked { .. } => None,
    });
    Ok(BestFiles::Written {
        difference,
        without_int8,
    })
}

const ONNX: &str = "model.onnx";
const INT8: &str = "model-int8.tflite";

/// Writes the network in 8-bit integers, calibrated on training images and compared on some of them; an error is the reason for its
/// absence.
fn write_int8(
    network: &ExportNetwork,
    into: &Path,
    verifier: Verifier,
    images: &CalibrationImages<'_>,
) -> Result<CardFile, String> {
    if verifier.litert.is_none() {
        return Err("LiteRT is not installed, see `mnas doctor`".to_owned());
    }
    let images = images(network)?;
    let write = || {
        let calibration = Calibration::on(&images, network, verifier.litert.as_ref(), Clipping::Extremes)?;
        let tflite = Tflite {
            precision: TflitePrecision::Int8(calibration),
        };
        let verifier = verifier.with_images(&images[..images.len().min(CHECKED_IMAGES)], network.graph.input);
        export(network, &tflite, &into.join(INT8), &verifier)
    };
    let exported = write().map_err(|error: ExportError| error.to_string())?;
    Ok(CardFile {
        name: INT8,
        purpose: "network for LiteRT, 8-bit integers",
        exported,
    })
}

/// Writes the network in the formats that programs read.
fn write_models(network: &ExportNetwork, into: &Path, verifier: &Verifier) -> Result<Vec<CardFile>, ExportError> {
    let float32 = Tflite {
        precision: TflitePrecision::Float32,
    };
    let formats: [(&dyn Format, &str, &str); 3] = [
        (
            &SafetensorsFile::default(),
            "weights.safetensors",
            "weights for mnas and other programs",
        ),
        (&Onnx { fold: true }, ONNX, "network for ONNX Runtime, 32-bit floats"),
        (
            &float32,
            "model.tflite",
            "network for LiteRT (TensorFlow Lite), 32-bit floats",
        ),
    ];
    let write = |(format, name, purpose): (&dyn Format, &'static str, &'static str)| {
        let exported = export(network, format, &into.join(name), verifier)?;
        Ok(CardFile {
            name,
            purpose,
            exported,
        })
    };
    formats.into_iter().map(write).collect()
}

/// Writes the names of the classes, the recipe and the model card.
fn write_texts(
    (config, state): (&StudyConfig, &StudyState),
    (trial, training): (&Trial, Option<&BestTraining<'_>>),
    network: &ExportNetwork,
    files: &[CardFile],
    into: &Path,
) -> Result<(), ExportError> {
    let write = |name: &str, text: &str| files::write_atomically(&into.join(name), text.as_bytes());
    if let Some(trained) = &network.trained {
        write("labels.txt", &labels(&trained.classes))?;
    }
    if let Some(training) = training {
        write("recipe.toml", &training.recipe.to_toml())?;
        write(
            "README.md",
            &model_card((config, state), (trial, training), network, (files, into)),
        )?;
    }
    Ok(())
}

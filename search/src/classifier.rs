//! ONNX and TFLite files as classifiers of images, written by any program.

use std::path::{Path, PathBuf};

use mnas_engine::files::{self, FileError};
use mnas_engine::worker::Floats;
use mnas_latency::RuntimeError;
use mnas_latency::runtimes::litert::LiteRtSession;
use mnas_latency::runtimes::{LiteRt, OnnxRuntime, OnnxSession};
use mnas_space::Shape;
use mnas_space::tflite::read_notes;

use crate::export::{Notes, channels_first};

/// Failure to use a file as a classifier.
#[derive(Debug, thiserror::Error)]
pub enum ClassifierError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The name of the file ends in neither .onnx nor .tflite.
    #[error("{} is neither an .onnx nor a .tflite file, nor the folder of a study", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// The runtime of the format is not installed.
    #[error("{} needs {runtime}, which is not installed; `mnas doctor` lists what is missing", path.display())]
    NoRuntime {
        /// The file.
        path: PathBuf,
        /// The runtime.
        runtime: &'static str,
    },
    /// The input is not one square RGB image of floats.
    #[error("{}: the input is {found}; expected one square image of 32-bit floats, {expected}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Input of the file.
        found: String,
        /// Layout of the format.
        expected: &'static str,
    },
    /// The runtime cannot execute the file.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// File that scores the classes of an image.
pub struct Classifier {
    session: Session,
    /// Side of the image in pixels.
    pub resolution: u32,
    /// Notes of the file about its images and classes.
    pub notes: Notes,
}

enum Session {
    Onnx(OnnxSession),
    Tflite(LiteRtSession),
}

impl Classifier {
    /// Opens a file by its extension, in a runtime that is loaded for it and is `None` where it is not installed. `resolution` is
    /// the side of images where the file leaves it open.
    pub fn open(
        path: &Path,
        onnx_runtime: &dyn Fn() -> Result<Option<OnnxRuntime>, RuntimeError>,
        litert: &dyn Fn() -> Result<Option<LiteRt>, RuntimeError>,
        resolution: Option<u32>,
    ) -> Result<Self, ClassifierError> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let missing = |runtime| ClassifierError::NoRuntime {
            path: path.to_path_buf(),
            runtime,
        };
        let name = path.display().to_string();
        match extension.as_str() {
            "onnx" => {
                let file = files::read(path)?;
                let runtime = onnx_runtime()?.ok_or_else(|| missing("ONNX Runtime"))?;
                Self::onnx(path, runtime.open(&file, &name)?, resolution)
            }
            "tflite" => {
                let file = files::read(path)?;
                let runtime = litert()?.ok_or_else(|| missing("LiteRT"))?;
                Self::tflite(path, &file, runtime.session(&file, &name)?)
            }
            _ => Err(ClassifierError::Format {
                path: path.to_path_buf(),
            }),
        }
    }

    fn onnx(path: &Path, session: OnnxSession, resolution: Option<u32>) -> Result<Self, ClassifierError> {
        let shape = session.input_shape();
        let side = match shape.as_deref() {
            Some([-1 | 1, 3, height, width]) if height == width => match height {
                1.. => u32::try_from(*height).ok(),
                _ => resolution,
            },
            _ => None,
        };
        let resolution = side.ok_or_else(|| ClassifierError::Input {
            path: path.to_path_buf(),
            found: described(shape.as_deref()),
            expected: "[1, 3, height, width]; --resolution names the sides where the file leaves them open",
        })?;
        Ok(Self {
            notes: Notes::read(|key| session.metadata(key)),
            session: Session::Onnx(session),
            resolution,
        })
    }

    fn tflite(path: &Path, file: &[u8], session: LiteRtSession) -> Result<Self, ClassifierError> {
        let side = match session.input_shape() {
            Some([1, height, width, 3]) if height == width => u32::try_from(*height).ok(),
            _ => None,
        };
        let resolution = side.ok_or_else(|| ClassifierError::Input {
            path: path.to_path_buf(),
            found: described(session.input_shape()),
            expected: "[1, height, width, 3]",
        })?;
        let notes = read_notes(file);
        Ok(Self {
            notes: Notes::read(|key| notes.get(key).cloned()),
            session: Session::Tflite(session),
            resolution,
        })
    }

    /// Computes the score of each class of an image, `[height, width, 3]` and normalised.
    pub fn score(&mut self, image: &Floats) -> Result<Vec<f32>, RuntimeError> {
        match &mut self.session {
            Session::Onnx(session) => {
                let side = self.resolution as usize;
                let Floats(values) = channels_first(image, Shape::square(3, self.resolution));
                session.infer(&[1, 3, side, side], values)
            }
            Session::Tflite(session) => {
                let outputs = session.infer(&image.0)?;
                Ok(outputs.into_iter().next().map_or_else(Vec::new, |output| output.values))
            }
        }
    }
}

fn described<T: std::fmt::Debug>(shape: Option<&[T]>) -> String {
    shape.map_or_else(
        || "not a single tensor of 32-bit floats".to_owned(),
        |shape| format!("{shape:?}"),
    )
}

/// Share of each class, 0 to 1: the softmax of the scores.
pub fn shares(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// Numbers of the classes with the highest scores, best first.
pub fn best(scores: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::{best, shares};

    #[test]
    fn shares_sum_to_one_and_keep_the_order() {
        let scores = [1000.0, 1001.0, 999.0, 1001.0];
        let shares = shares(&scores);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(best(&shares, 3), [1, 3, 0]);
        assert_eq!(best(&scores, 9).len(), 4);
    }
}

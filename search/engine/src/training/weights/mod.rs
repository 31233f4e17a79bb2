//! Weight files: safetensors with the names of [`mnas_space::Graph::parameters`], and those of other programs.

mod matching;
mod numbers;
mod package;
mod pretrained;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use mnas_space::onnx::WeightSource;
use mnas_space::{Graph, ParameterSpec};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{DataRequest, Normalization};
use crate::files::{self, FileError};
pub use matching::{Match, Matching, Misfit, Naming};
pub use package::{NotInPackage, Package, PackageNetwork};
pub use pretrained::Pretrained;

/// A weight file that cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not safetensors.
    #[error("{}: not a complete safetensors file: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Message of the reader.
        problem: String,
    },
    /// The weights belong to another architecture.
    #[error("{}: the weights belong to another architecture: {misfit}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// First difference, and the tensors that matched before it.
        misfit: Box<Misfit>,
    },
    /// The weights score another number of classes.
    #[error(
        "{}: the weights score {found} classes (tensor `{tensor}`), the architecture {expected}; give it {found} classes, or fine-tune with \
         `mnas train ARCH --init {}`", path.display(), path.display()
    )]
    Classes {
        /// The file.
        path: PathBuf,
        /// The classifier's weight in the file.
        tensor: String,
        /// Classes of the weights.
        found: u32,
        /// Classes of the architecture.
        expected: u32,
    },
    /// A value is infinite or not a number.
    #[error(
        "{}: tensor `{tensor}` holds {value} at position {index}; the network was damaged in its training or conversion, use weights saved \
         before that", path.display()
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Position of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// The file does not name its architecture, and no other is given.
    #[error("{} does not name its architecture; give it as ARCH", path.display())]
    NoArchitecture {
        /// The file.
        path: PathBuf,
    },
    /// The architecture in the file's metadata is not valid.
    #[error("{}: metadata `{INFO_KEY}`: {error}", path.display())]
    Architecture {
        /// The file.
        path: PathBuf,
        /// The problem.
        error: mnas_space::NotationError,
    },
}

/// Metadata of a weight file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightsInfo {
    /// Architecture string as trained.
    pub architecture: String,
    /// Side of the training images, in pixels; differs from the architecture's where a proxy was trained.
    pub train_resolution: u32,
    /// Side of the stored validation images, before they were scaled to `train_resolution`, in pixels; another side gives slightly
    /// different pixels.
    #[serde(default)]
    pub image_size: Option<u32>,
    /// Normalisation of the images.
    pub normalization: Normalization,
    /// Names of the classes in the order of the scores.
    pub classes: Vec<String>,
    /// Number of the earliest strides that were removed in training.
    #[serde(default)]
    pub early_strides_removed: usize,
    /// Images of training and validation, so that an evaluation can use the same ones.
    #[serde(default)]
    pub data: Option<DataRequest>,
}

/// Key of the file's metadata that holds a [`WeightsInfo`] as JSON.
const INFO_KEY: &str = "mnas";

/// Values of a network's tensors in memory, by name.
#[derive(Debug, Clone)]
pub struct Weights {
    values: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    /// Names in the order of the file.
    order: Vec<String>,
    /// Metadata; `None` for files of other programs.
    pub info: Option<WeightsInfo>,
}

impl WeightSource for Weights {
    fn values(&self, parameter: &ParameterSpec) -> Option<Cow<'_, [f32]>> {
        self.values
            .get(&parameter.name)
            .map(|(_, values)| Cow::Borrowed(values.as_slice()))
    }
}

impl Weights {
    /// Weights of these values: shape and numbers by tensor name.
    pub fn new(values: BTreeMap<String, (Vec<usize>, Vec<f32>)>, info: Option<WeightsInfo>) -> Self {
        let order = values.keys().cloned().collect();
        Self { values, order, info }
    }

    /// Shape and numbers of each tensor, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        self.values
            .iter()
            .map(|(name, (shape, values))| (name.as_str(), shape.as_slice(), values.as_slice()))
    }

    /// Reads a safetensors file of floats of 16, 32 or 64 bits; a value that is not a number is an error.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let bytes = files::read(path)?;
        let format = |problem: String| WeightsError::Format {
            path: path.to_path_buf(),
            problem,
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| format(error.to_string()))?;
        let info = metadata.metadata().as_ref().and_then(|pairs| pairs.get(INFO_KEY));
        let info = info.map(|json| serde_json::from_str(json)).transpose();
        let info = info.map_err(|error| format(format!("metadata `{INFO_KEY}`: {error}")))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| format(error.to_string()))?;
        let mut values = BTreeMap::new();
        for (name, view) in file.tensors() {
            if matching::is_counter(&name) {
                continue;
            }
            let Some(floats) = numbers::floats(view.dtype(), view.data()) else {
                return Err(format(format!(
                    "tensor `{name}` holds {:?}; expected floats (F16, BF16, F32 or F64)",
                    view.dtype()
                )));
            };
            if let Some(index) = floats.iter().position(|value| !value.is_finite()) {
                return Err(WeightsError::NotFinite {
                    path: path.to_path_buf(),
                    tensor: name,
                    index,
                    value: floats[index],
                });
            }
            values.insert(name, (view.shape().to_vec(), floats));
        }
        // Sorted by their places in the file.
        let order = metadata.offset_keys();
        Ok(Self { values, order, info })
    }

    /// Writes a safetensors file.
    pub fn write(&self, path: &Path) -> Result<(), WeightsError> {
        let format = |problem: String| WeightsError::Format {
            path: path.to_path_buf(),
            problem,
        };
        let bytes: Vec<(&String, &[usize], Vec<u8>)> = self
            .values
            .iter()
            .map(|(name, (shape, values))| {
                (
                    name,
                    shape.as_slice(),
                    values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                )
            })
            .collect();
        let views = bytes
            .iter()
            .map(|(name, shape, data)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.to_vec(), data)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|error| format(error.to_string()))?;
        let mut metadata = HashMap::new();
        if let Some(info) = &self.info {
            let json = serde_json::to_string(info).map_err(|error| format(error.to_string()))?;
            metadata.insert(INFO_KEY.to_owned(), json);
        }
        let file = safetensors::serialize(views, Some(metadata)).map_err(|error| format(error.to_string()))?;
        files::write_atomically(path, &file)?;
        Ok(())
    }

    /// Matches the tensors to the parameters of `graph`: by name, in any order of the tensors, each shape checked.
    ///
    /// Only the number of classes may differ from the graph's; `path` is named where anything else does.
    pub fn matching(&self, graph: &Graph, path: &Path) -> Result<Matching, WeightsError> {
        Matching::of(&self.values, &self.order, graph).map_err(|misfit| WeightsError::Mismatch {
            path: path.to_path_buf(),
            misfit,
        })
    }

    /// The weights under the names of `graph`, every tensor there in the right shape and nothing else.
    ///
    /// `path` is named where they do not fit.
    pub fn fitted(&self, graph: &Graph, path: &Path) -> Result<Cow<'_, Self>, WeightsError> {
        let matching = self.matching(graph, path)?;
        let classes = graph.output_shape().channels;
        // The classifier's rows are the only shape in which matched tensors may differ.
        if let Some(found) = matching.classes.filter(|found| *found != classes) {
            return Err(WeightsError::Classes {
                path: path.to_path_buf(),
                tensor: matching.classifier().to_owned(),
                found,
                expected: classes,
            });
        }
        if matching.is_identity() {
            return Ok(Cow::Borrowed(self));
        }
        Ok(Cow::Owned(Self::new(matching.renamed(&self.values), self.info.clone())))
    }
}

#[cfg(test)]
mod tests;

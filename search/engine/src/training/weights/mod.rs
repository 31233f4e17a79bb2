//! Weight files: safetensors with the names of [`mnas_space::Graph::parameters`], and those of other programs.

mod foreign;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use mnas_space::onnx::WeightSource;
use mnas_space::{Graph, ParameterSpec};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{DataRequest, Normalization};
use crate::files::{self, FileError};

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
    #[error("{}: the weights belong to another architecture: {difference}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Tensor that differs, and the difference.
        difference: String,
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
        Self { values, info }
    }

    /// Shape and numbers of each tensor, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        self.values
            .iter()
            .map(|(name, (shape, values))| (name.as_str(), shape.as_slice(), values.as_slice()))
    }

    /// Reads a safetensors file of 32-bit floats.
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
            if foreign::is_counter(&name) {
                continue;
            }
            if view.dtype() != Dtype::F32 {
                return Err(format(format!(
                    "tensor `{name}` holds {:?}; expected F32",
                    view.dtype()
                )));
            }
            let floats = view
                .data()
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
            values.insert(name, (view.shape().to_vec(), floats.collect()));
        }
        Ok(Self { values, info })
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

    /// The weights under the names of `graph`, every tensor there in the right shape and nothing else.
    ///
    /// A file of another program, which names them otherwise, is matched by structure; `path` is named where it does not fit.
    pub fn fitted(&self, graph: &Graph, path: &Path) -> Result<Cow<'_, Self>, WeightsError> {
        let is_ours = self.info.is_some() || graph.parameters().any(|spec| self.values.contains_key(&spec.name));
        if is_ours {
            self.check(graph, path)?;
            return Ok(Cow::Borrowed(self));
        }
        let values = foreign::matched(&self.values, graph).map_err(|difference| WeightsError::Mismatch {
            path: path.to_path_buf(),
            difference,
        })?;
        Ok(Cow::Owned(Self { values, info: None }))
    }

    fn check(&self, graph: &Graph, path: &Path) -> Result<(), WeightsError> {
        let mismatch = |difference| {
            Err(WeightsError::Mismatch {
                path: path.to_path_buf(),
                difference,
            })
        };
        let mut expected = 0;
        for spec in graph.parameters() {
            expected += 1;
            match self.values.get(&spec.name) {
                None => return mismatch(format!("tensor `{}` {:?} is missing", spec.name, spec.shape)),
                Some((shape, _)) if *shape != spec.shape => {
                    let difference = format!(
                        "tensor `{}` is {shape:?}, the architecture has {:?}",
                        spec.name, spec.shape
                    );
                    return mismatch(difference);
                }
                Some(_) => {}
            }
        }
        if expected != self.values.len() {
            let known: std::collections::BTreeSet<String> = graph.parameters().map(|spec| spec.name).collect();
            let extra = self.values.keys().find(|name| !known.contains(*name));
            return mismatch(format!(
                "tensor `{}` is not in the architecture",
                extra.map_or("", |name| name)
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Checkpoints: the complete state of a training, from which it is resumed exactly.
//!
//! One safetensors file holds the tensors of the network, the optimiser and the average, and as metadata the position and the identity of
//! the training. Random streams are named by seed, epoch and step, so that the position determines their state.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use safetensors::tensor::{SafeTensorError, TensorView};
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use mnas_engine::files::{self, FileError};
use mnas_engine::training::{Accuracy, EpochReport, ParentWeights};

/// File and interval of the checkpoints of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointPlan {
    /// The file. A training is resumed from it where it exists, and leaves it in place at its end: the caller removes it when the
    /// weights are saved.
    pub path: PathBuf,
    /// Time between two saves; an interruption saves too.
    pub every: Duration,
    /// Architecture as trained; a file of another one is refused.
    pub architecture: String,
    /// Network that the first weights were inherited from, where there is one; a file of another one is refused.
    pub parent: Option<ParentWeights>,
}

/// Failure to save a training or to resume it.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read or written; an earlier file is unchanged.
    #[error("checkpoint {0}")]
    File(#[from] FileError),
    /// The file is damaged.
    #[error("{}: not a complete checkpoint: {problem}; remove it to start anew", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Fault found.
        problem: String,
    },
    /// The file is of another training.
    #[error(
        "{}: the checkpoint belongs to another training: {what} was {was}, now it is {is}; repeat the same training, or \
         remove the checkpoint to start anew",
        path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// Path of the setting that differs.
        what: String,
        /// Value in the file.
        was: String,
        /// Value of this training.
        is: String,
    },
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// Position of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Position {
    /// Epochs done.
    pub epochs_done: u32,
    /// Steps done in the epoch under way.
    pub steps: usize,
    /// Images of those steps.
    pub images: usize,
    /// Sum of the losses of those steps; set when the checkpoint is written.
    pub loss_sum: f64,
    /// Seconds of the epoch so far.
    pub epoch_seconds: f64,
    /// Seconds of the epoch spent waiting for the next batch.
    pub wait_seconds: f64,
    /// Seconds of the epochs done.
    pub seconds: f64,
    /// Steps of the optimiser in all.
    pub optimizer_steps: u64,
    /// Report of every epoch.
    pub reports: Vec<EpochReport>,
    /// Last validation.
    pub validation: Option<Accuracy>,
}

const POSITION_KEY: &str = "mnas-position";
const IDENTITY_KEY: &str = "mnas-training";

/// Writes a checkpoint; at every moment the file is complete, the earlier or the new one.
pub(super) fn write<'a>(
    path: &Path,
    identity: &serde_json::Value,
    position: &Position,
    tensors: impl Iterator<Item = (String, &'a Tensor)>,
) -> Result<(), CheckpointError> {
    let format = |problem: String| CheckpointError::Format {
        path: path.to_path_buf(),
        problem,
    };
    let mut contents = Vec::new();
    for (name, tensor) in tensors {
        let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
        let flat = tensor.f_detach()?.f_to_device(tch::Device::Cpu)?;
        let flat = flat.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?;
        let values = Vec::<f32>::try_from(&flat)?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        contents.push((name, shape, bytes));
    }
    let views = contents
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, SafeTensorError>>()
        .map_err(|error| format(error.to_string()))?;
    let position = serde_json::to_string(position).map_err(|error| format(error.to_string()))?;
    let metadata = HashMap::from([
        (POSITION_KEY.to_owned(), position),
        (IDENTITY_KEY.to_owned(), identity.to_string()),
    ]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(|error| format(error.to_string()))?;
    files::write_repeatedly(path, &file)?;
    Ok(())
}

/// Reads a checkpoint of the training `identity` into `tensors`, whose memory order and device stay the same.
pub(super) fn read<'a>(
    path: &Path,
    identity: &serde_json::Value,
    tensors: impl Iterator<Item = (String, &'a Tensor)>,
) -> Result<Position, CheckpointError> {
    let format = |problem: String| CheckpointError::Format {
        path: path.to_path_buf(),
        problem,
    };
    let bytes = files::read(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format(error.to_string()))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| format(error.to_string()))?;
    let json = |key: &str| -> Result<&str, CheckpointError> {
        let value = metadata.metadata().as_ref().and_then(|pairs| pairs.get(key));
        value
            .map(String::as_str)
            .ok_or_else(|| format(format!("no metadata `{key}`")))
    };
    let was: serde_json::Value =
        serde_json::from_str(json(IDENTITY_KEY)?).map_err(|error| format(error.to_string()))?;
    if let Some((what, was, is)) = difference("", &was, identity) {
        return Err(CheckpointError::Other {
            path: path.to_path_buf(),
            what,
            was,
            is,
        });
    }
    let position = serde_json::from_str(json(POSITION_KEY)?).map_err(|error| format(error.to_string()))?;
    let mut left: BTreeMap<String, _> = file.tensors().into_iter().collect();
    for (name, tensor) in tensors {
        let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
        let view = left
            .remove(&name)
            .ok_or_else(|| format(format!("tensor `{name}` is missing")))?;
        if view.shape() != shape || view.dtype() != Dtype::F32 {
            let found = (view.shape(), view.dtype());
            return Err(format(format!(
                "tensor `{name}` is {found:?} in place of {shape:?} F32"
            )));
        }
        let values: Vec<f32> = view
            .data()
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        let value = Tensor::f_from_slice(&values)?.f_view(tensor.size().as_slice())?;
        tch::no_grad(|| tensor.shallow_clone().f_copy_(&value))?;
    }
    match left.into_keys().next() {
        Some(extra) => Err(format(format!("tensor `{extra}` is unknown"))),
        None => Ok(position),
    }
}

/// First difference of two documents: its path of keys, and both values.
fn difference(place: &str, was: &serde_json::Value, is: &serde_json::Value) -> Option<(String, String, String)> {
    use serde_json::Value::{Null, Object};
    if let (Object(was), Object(is)) = (was, is) {
        let mut keys: Vec<&String> = was.keys().chain(is.keys()).collect();
        keys.sort();
        keys.dedup();
        return keys.into_iter().find_map(|key| {
            let below = if place.is_empty() {
                key.clone()
            } else {
                format!("{place}.{key}")
            };
            difference(&below, was.get(key).unwrap_or(&Null), is.get(key).unwrap_or(&Null))
        });
    }
    let show = |value: &serde_json::Value| match value {
        Null => "not given".to_owned(),
        value => value.to_string(),
    };
    (was != is).then(|| (place.to_owned(), show(was), show(is)))
}

#[cfg(test)]
mod tests;

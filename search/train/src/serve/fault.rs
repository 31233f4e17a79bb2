//! Replies for requests that have no result.

use mnas_engine::training::weights::WeightsError;
use mnas_engine::worker::{FailureKind, FromWorker};
use tch::TchError;

use crate::checkpoint::CheckpointError;
use crate::data::DataError;
use crate::device::TrainDeviceError;
use crate::error::TrainError;
use crate::teacher::TeacherError;
use crate::weights::LoadError;

/// Reason for which a request has no result.
#[derive(Debug)]
pub(super) enum Fault {
    /// A failure with its message.
    Failed { kind: FailureKind, reason: String },
    /// A file that cannot be written, with the message.
    Unsaved(String),
    /// A cancellation, with the epoch of the training.
    Interrupted { epoch: u32 },
}

impl Fault {
    #[expect(clippy::needless_pass_by_value, reason = "passed as a function to map_err")]
    pub(super) fn input(reason: impl ToString) -> Self {
        Self::Failed {
            kind: FailureKind::Input,
            reason: reason.to_string(),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "passed as a function to map_err")]
    pub(super) fn computation(reason: impl ToString) -> Self {
        Self::Failed {
            kind: FailureKind::Computation,
            reason: reason.to_string(),
        }
    }
}

impl From<Fault> for FromWorker {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Failed { kind, reason } => Self::Failed { reason, kind },
            Fault::Unsaved(reason) => Self::Unsaved { reason },
            Fault::Interrupted { epoch } => Self::Interrupted { epoch },
        }
    }
}

impl From<DataError> for Fault {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Cancelled => Self::Interrupted { epoch: 0 },
            error => Self::input(error),
        }
    }
}

impl From<TrainDeviceError> for Fault {
    fn from(error: TrainDeviceError) -> Self {
        Self::computation(error)
    }
}

impl From<WeightsError> for Fault {
    fn from(error: WeightsError) -> Self {
        Self::input(error)
    }
}

impl From<LoadError> for Fault {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Weights(error) => error.into(),
            LoadError::Torch(error) => error.into(),
        }
    }
}

impl From<TchError> for Fault {
    fn from(error: TchError) -> Self {
        // The lines after the first are a stack trace.
        let text = error.to_string();
        Self::computation(format!("libtorch: {}", text.lines().next().unwrap_or_default()))
    }
}

impl From<TrainError> for Fault {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Interrupted { epoch } => Self::Interrupted { epoch },
            TrainError::Checkpoint(CheckpointError::File(_)) => Self::Unsaved(error.to_string()),
            TrainError::Data(error) => error.into(),
            TrainError::Start(error) => error.into(),
            TrainError::Checkpoint(CheckpointError::Torch(_)) | TrainError::Teacher(TeacherError::Torch(_)) => {
                Self::computation(error)
            }
            TrainError::Checkpoint(_) | TrainError::Teacher(_) | TrainError::Inheritance(_) => Self::input(error),
            error => Self::computation(error),
        }
    }
}

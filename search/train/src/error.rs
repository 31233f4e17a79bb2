//! Failures of trainings and evaluations.

use mnas_engine::training::Split;
use tch::TchError;

use crate::checkpoint::CheckpointError;
use crate::data::DataError;
use crate::inheritance::InheritanceError;
use crate::teacher::TeacherError;
use crate::weights::LoadError;

/// Failure of a training or an evaluation.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The loss is not a number, or its mean over an epoch is a hundred times that of guessing.
    #[error("the loss became {loss} in epoch {epoch}, step {step}; a lower learning rate or longer warm-up may help")]
    Diverged {
        /// The epoch, from 1.
        epoch: u32,
        /// The step in it, from 1.
        step: usize,
        /// NaN, infinite, or far too large.
        loss: f64,
    },
    /// The observer stopped the training.
    #[error("interrupted in epoch {epoch}")]
    Interrupted {
        /// The epoch, from 1.
        epoch: u32,
    },
    /// Too few images for one step.
    #[error("{images} training images are too few for a batch; at least 2 are needed")]
    NoBatches {
        /// Training images.
        images: usize,
    },
    /// The network has no score for the class of an image.
    #[error(
        "{set} image {image} is of class {label} (`{class}`, counted from 0), the network has {classes} classes; \
         give it at least {} classes", label + 1
    )]
    Label {
        /// Split of the image.
        set: Split,
        /// Position of the image, from 0.
        image: usize,
        /// Class of the image, from 0.
        label: u32,
        /// Name of the class.
        class: String,
        /// Number of classes of the network.
        classes: u32,
    },
    /// The weights that the training begins with cannot be used.
    #[error(transparent)]
    Start(#[from] LoadError),
    /// The network cannot inherit the weights that it is to begin with.
    #[error(transparent)]
    Inheritance(#[from] InheritanceError),
    /// A batch could not be made.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The teacher of a distillation cannot be used.
    #[error(transparent)]
    Teacher(#[from] TeacherError),
    /// The checkpoint cannot be written, or the training cannot be resumed from it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// libtorch failed, for example for lack of memory.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
}

fn first_line(error: &TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

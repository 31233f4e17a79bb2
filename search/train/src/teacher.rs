//! Knowledge distillation: learning from the scores of a trained network (Hinton et al., arXiv:1503.02531).

use std::path::PathBuf;

use mnas_space::Architecture;
use tch::{Device, Kind, TchError, Tensor};

use super::Network;
use crate::data::ImageSet;
use mnas_engine::training::Distillation;
use mnas_engine::training::Normalization;
use mnas_engine::training::weights::{Weights, WeightsError};

/// Fault of a teacher.
#[derive(Debug, thiserror::Error)]
pub enum TeacherError {
    /// The weight file is missing, damaged or of another architecture.
    #[error("the teacher's weights: {0}")]
    Weights(#[from] WeightsError),
    /// The weight file does not name its architecture.
    #[error("{}: does not name its architecture; give it as `architecture` in the recipe's table `distillation`", path.display())]
    Unnamed {
        /// The weight file.
        path: PathBuf,
    },
    /// The architecture cannot be read.
    #[error("{}: the teacher's architecture {architecture:?}: {problem}", path.display())]
    Architecture {
        /// The weight file.
        path: PathBuf,
        /// Text of the architecture.
        architecture: String,
        /// Fault found.
        problem: String,
    },
    /// The classes of the teacher are not those of the images.
    #[error("{}: the teacher has other classes: {difference}; train one on the same classes", path.display())]
    Classes {
        /// The weight file.
        path: PathBuf,
        /// Difference of the classes.
        difference: String,
    },
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// The weights cannot be put into the network.
    #[error(transparent)]
    Load(#[from] crate::LoadError),
}

/// A trained network in evaluation mode, with the settings of the distillation.
#[derive(Debug)]
pub(super) struct Teacher {
    network: Network,
    /// Side of its training images in pixels.
    resolution: i64,
    /// Factor and offset from the student's normalisation to the teacher's, `[1, 3, 1, 1]`.
    convert: Option<(Tensor, Tensor)>,
    temperature: f64,
    weight: f64,
}

impl Teacher {
    /// Reads the teacher of a recipe, for a student of `scores` classes that is trained on `set` with this normalisation.
    pub(super) fn open(
        settings: &Distillation,
        set: &ImageSet,
        scores: u32,
        normalization: Normalization,
        device: Device,
    ) -> Result<Self, TeacherError> {
        let path = &settings.weights;
        let weights = Weights::read(path)?;
        let info = weights.info.as_ref();
        let text = settings
            .architecture
            .clone()
            .or(info.map(|info| info.architecture.clone()));
        let Some(text) = text else {
            return Err(TeacherError::Unnamed { path: path.clone() });
        };
        let architecture: Architecture = text.parse().map_err(|error| TeacherError::Architecture {
            path: path.clone(),
            architecture: text.clone(),
            problem: format!("{error}"),
        })?;
        let architecture = match info {
            Some(info) => architecture
                .with_classes(info.classes.len() as u32)
                .with_resolution(info.train_resolution)
                .without_early_strides(info.early_strides_removed),
            None => architecture,
        };
        if let Some(difference) = class_difference(&architecture, info.map(|info| &info.classes[..]), set, scores) {
            return Err(TeacherError::Classes {
                path: path.clone(),
                difference,
            });
        }
        let resolution = i64::from(architecture.resolution);
        let mut network = Network::new(architecture.graph(), device, 0)?;
        crate::load_weights(&weights, &mut network, path)?;
        let own = info.map_or(normalization, |info| info.normalization);
        Ok(Self {
            network,
            resolution,
            convert: conversion(normalization, own, device)?,
            temperature: settings.temperature,
            weight: settings.weight,
        })
    }

    /// Loss of the student: `own` where the teacher's weight is 0, the divergence from the teacher where it is 1.
    ///
    /// `scores` are the student's scores of `images`.
    pub(super) fn loss(&self, images: &Tensor, scores: &Tensor, own: &Tensor) -> Result<Tensor, TchError> {
        let targets = tch::no_grad(|| self.scores(images))?;
        let divergence = softened_divergence(scores, &targets, self.temperature)?;
        own.f_mul_scalar(1.0 - self.weight)?
            .f_add(&divergence.f_mul_scalar(self.weight)?)
    }

    fn scores(&self, images: &Tensor) -> Result<Tensor, TchError> {
        let mut images = images.shallow_clone();
        if images.size()[2] != self.resolution {
            images = images.f_internal_upsample_bilinear2d_aa([self.resolution; 2], false, None, None)?;
        }
        if let Some((factor, offset)) = &self.convert {
            images = images.f_mul(factor)?.f_add(offset)?;
        }
        self.network.forward(&images, false)
    }
}

/// `temperature² * KL(teacher || student)` of the distributions softened by `temperature`, the mean over the batch. The factor
/// keeps the gradient's size when the temperature changes.
fn softened_divergence(student: &Tensor, teacher: &Tensor, temperature: f64) -> Result<Tensor, TchError> {
    let soften = |scores: &Tensor| scores.f_div_scalar(temperature)?.f_log_softmax(-1, Kind::Float);
    let (student, teacher) = (soften(student)?, soften(teacher)?);
    let terms = teacher.f_exp()?.f_mul(&teacher.f_sub(&student)?)?;
    let per_image = terms.f_sum_dim_intlist([-1i64].as_slice(), false, None)?;
    per_image.f_mean(None)?.f_mul_scalar(temperature * temperature)
}

fn class_difference(
    architecture: &Architecture,
    named: Option<&[String]>,
    set: &ImageSet,
    scores: u32,
) -> Option<String> {
    if architecture.head.classes != scores {
        return Some(format!("it scores {}, the student {scores}", architecture.head.classes));
    }
    let (own, other) = named?.iter().zip(set.classes()).find(|(own, other)| own != other)?;
    Some(format!("its class {own:?} stands where the images have {other:?}"))
}

/// Factor and offset from images normalised by `from` to images normalised by `to`.
fn conversion(from: Normalization, to: Normalization, device: Device) -> Result<Option<(Tensor, Tensor)>, TchError> {
    if from == to {
        return Ok(None);
    }
    let mut factor = [0.0_f32; 3];
    let mut offset = [0.0_f32; 3];
    for channel in 0..3 {
        factor[channel] = from.std[channel] / to.std[channel];
        offset[channel] = (from.mean[channel] - to.mean[channel]) / to.std[channel];
    }
    let tensor = |values: &[f32]| Tensor::f_from_slice(values)?.f_view([1, 3, 1, 1])?.f_to_device(device);
    Ok(Some((tensor(&factor)?, tensor(&offset)?)))
}

#[cfg(test)]
mod tests;

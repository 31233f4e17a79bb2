//! How often a network is right, over all images and class by class.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, TchError, Tensor};

use super::{Network, TrainError, feed};
use crate::data::{Batch, BatchOptions, Batches, ImageSet};

/// How often a network is right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Share of images whose highest score is the right class, in percent.
    pub top1: f64,
    /// Share of images whose class is among the five highest scores, in percent.
    pub top5: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Images looked at.
    pub images: usize,
}

/// What a network takes each class for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// `classes` rows of as many counts.
    counts: Vec<u64>,
}

impl Confusion {
    fn new(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0; classes * classes],
        }
    }

    /// How many classes the network tells apart.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many images of class `label` were taken for each class.
    ///
    /// # Panics
    /// Where `label` is not below [`Confusion::classes`].
    pub fn row(&self, label: usize) -> &[u64] {
        &self.counts[label * self.classes..(label + 1) * self.classes]
    }

    /// Images of class `label`.
    pub fn images(&self, label: usize) -> u64 {
        self.row(label).iter().sum()
    }

    /// Share of the images of class `label` that were taken for it, in percent; `None` where there is no such image.
    pub fn accuracy(&self, label: usize) -> Option<f64> {
        let images = self.images(label);
        (images > 0).then(|| 100.0 * self.row(label)[label] as f64 / images as f64)
    }
}

/// Scores every image of `set` once.
pub fn evaluate(network: &Network, set: &Arc<ImageSet>, options: &BatchOptions) -> Result<Evaluation, TrainError> {
    score(network, set, options, |_, _| Ok(()))
}

/// Scores every image of `set` once, and counts what each class is taken for.
pub fn evaluate_by_class(
    network: &Network,
    set: &Arc<ImageSet>,
    options: &BatchOptions,
) -> Result<(Evaluation, Confusion), TrainError> {
    let mut confusion = Confusion::new(network.graph().output_shape().channels as usize);
    let evaluation = score(network, set, options, |labels, best| {
        let predictions = Vec::<i64>::try_from(best.f_select(1, 0)?.f_contiguous()?)?;
        for (&label, prediction) in labels.iter().zip(predictions) {
            confusion.counts[label as usize * confusion.classes + prediction as usize] += 1;
        }
        Ok(())
    })?;
    Ok((evaluation, confusion))
}

/// `visit` hears of every batch's labels and, best first, the classes of its highest scores.
fn score(
    network: &Network,
    set: &Arc<ImageSet>,
    options: &BatchOptions,
    mut visit: impl FnMut(&[i64], &Tensor) -> Result<(), TchError>,
) -> Result<Evaluation, TrainError> {
    check_labels(network, set)?;
    let _guard = tch::no_grad_guard();
    let (mut top1, mut top5, mut loss, mut images) = (0.0, 0.0, 0.0, 0);
    for batch in Batches::eval(set, options)? {
        let batch = batch?;
        if batch.is_empty() {
            continue;
        }
        let (inputs, labels) = tensors(&batch, network)?;
        let scores = network.forward(&inputs, false)?;
        loss += scores
            .f_cross_entropy_loss(&labels, None::<&Tensor>, Reduction::Sum, -100, 0.0)?
            .f_double_value(&[])?;
        let candidates = scores.size()[1].min(5);
        let (_, best) = scores.f_topk(candidates, 1, true, true)?;
        let hits = best.f_eq_tensor(&labels.f_unsqueeze(1)?)?;
        top5 += hits.f_sum(Kind::Float)?.f_double_value(&[])?;
        top1 += hits.f_narrow(1, 0, 1)?.f_sum(Kind::Float)?.f_double_value(&[])?;
        images += batch.len();
        visit(&batch.labels, &best)?;
    }
    let count = images.max(1) as f64;
    Ok(Evaluation {
        top1: 100.0 * top1 / count,
        top5: 100.0 * top5 / count,
        loss: loss / count,
        images,
    })
}

/// libtorch takes a label without a score for a broken program, on a GPU one that is beyond repair.
pub(super) fn check_labels(network: &Network, set: &ImageSet) -> Result<(), TrainError> {
    let classes = network.graph().output_shape().channels;
    let Some(image) = set.labels().iter().position(|&label| label >= classes) else {
        return Ok(());
    };
    let label = set.labels()[image];
    let class = set.classes().get(label as usize).cloned().unwrap_or_default();
    Err(TrainError::Label {
        set: set.provenance().split,
        image,
        label,
        class,
        classes,
    })
}

/// The batch as tensors on the network's device; images `[batch, 3, height, width]` in channels-last memory order.
fn tensors(batch: &Batch, network: &Network) -> Result<(Tensor, Tensor), TchError> {
    let (images, labels) = feed::tensors(batch)?;
    Ok((
        images.f_to_device(network.device())?,
        labels.f_to_device(network.device())?,
    ))
}

#[cfg(test)]
mod tests;

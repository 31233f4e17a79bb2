//! Accuracy of a network, over all images and class by class.

use std::ops::ControlFlow;
use std::sync::Arc;

use mnas_engine::training::{Accuracy, Confusion};
use tch::{Kind, Reduction, TchError, Tensor};

use crate::data::{Batch, BatchOptions, Batches, ImageSet};
use crate::error::TrainError;
use crate::feed;
use crate::network::Network;

/// Evaluates a network on every image of `set`.
pub fn evaluate(network: &Network, set: &Arc<ImageSet>, options: &BatchOptions) -> Result<Accuracy, TrainError> {
    score(network, set, options, &mut |_| ControlFlow::Continue(()), |_, _| Ok(()))
}

/// Evaluates a network on every image of `set`, and counts the predictions of each class; `on_batch` receives the errors of the corrupt
/// images skipped in each batch, and may stop the evaluation.
pub fn evaluate_by_class(
    network: &Network,
    set: &Arc<ImageSet>,
    options: &BatchOptions,
    on_batch: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
) -> Result<(Accuracy, Confusion), TrainError> {
    let mut confusion = Confusion::default();
    let accuracy = score(network, set, options, on_batch, |labels, best| {
        let predictions = Vec::<i64>::try_from(best.f_select(1, 0)?.f_contiguous()?)?;
        for (&label, prediction) in labels.iter().zip(predictions) {
            confusion.count(label as u32, prediction as u32);
        }
        Ok(())
    })?;
    Ok((accuracy, confusion))
}

/// Evaluates a network; passes the labels of every batch to `visit`, with the classes of its highest scores, best first.
fn score(
    network: &Network,
    set: &Arc<ImageSet>,
    options: &BatchOptions,
    on_batch: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
    mut visit: impl FnMut(&[i64], &Tensor) -> Result<(), TchError>,
) -> Result<Accuracy, TrainError> {
    check_labels(network, set)?;
    let _guard = tch::no_grad_guard();
    let (mut top1, mut top5, mut loss, mut images) = (0.0, 0.0, 0.0, 0);
    for batch in Batches::eval(set, options)? {
        let batch = batch?;
        if on_batch(&batch.skipped).is_break() {
            return Err(TrainError::Interrupted { epoch: 0 });
        }
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
    Ok(Accuracy {
        top1: 100.0 * top1 / count,
        top5: 100.0 * top5 / count,
        loss: loss / count,
        images,
    })
}

/// Refuses labels for which the network has no score: libtorch aborts on them, on a GPU beyond recovery.
pub(crate) fn check_labels(network: &Network, set: &ImageSet) -> Result<(), TrainError> {
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

/// A batch as tensors on the network's device, its images `[batch, 3, height, width]` in channels-last memory order.
fn tensors(batch: &Batch, network: &Network) -> Result<(Tensor, Tensor), TchError> {
    let (images, labels) = feed::tensors(batch)?;
    Ok((
        images.f_to_device(network.device())?,
        labels.f_to_device(network.device())?,
    ))
}

#[cfg(test)]
mod tests;

//! The training loop and evaluation.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use tch::{Kind, Reduction, TchError, Tensor};

use super::{Network, Recipe, Sgd};
use crate::data::{Augmentation, Batch, BatchOptions, Batches, DataError, ImageSet, Normalization, Split};

/// What a training needs besides the network.
#[derive(Debug, Clone)]
pub struct TrainPlan<'a> {
    /// Images to learn from.
    pub train: &'a Arc<ImageSet>,
    /// Images to compare on.
    pub val: &'a Arc<ImageSet>,
    /// Side of the images as the network sees them, in pixels.
    pub resolution: u32,
    /// How the images are normalised.
    pub normalization: Normalization,
    /// How to train.
    pub recipe: &'a Recipe,
    /// Decides order and augmentation of the images.
    pub seed: u64,
    /// Whether to look at the validation images after every epoch, or after the last one only.
    pub validate_every_epoch: bool,
}

/// Where a training stands after an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochReport {
    /// Epochs done.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Mean training loss of the epoch.
    pub loss: f64,
    /// Validation top-1 in percent, where it was looked at.
    pub accuracy: Option<f64>,
    /// Training images per second of the epoch, evaluation not counted.
    pub images_per_second: f64,
}

/// The result of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// On the validation images, after the last epoch.
    pub evaluation: Evaluation,
    /// Every epoch's report.
    pub epochs: Vec<EpochReport>,
    /// Seconds from start to end.
    pub seconds: f64,
}

/// How often a network is right.
#[derive(Debug, Clone, Copy, PartialEq)]
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

/// Why a training ended without a network.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The loss is no longer a number.
    #[error("the loss became {loss} in epoch {epoch}, step {step}; a lower learning rate or longer warm-up may help")]
    Diverged {
        /// The epoch, from 1.
        epoch: u32,
        /// The step in it, from 1.
        step: usize,
        /// NaN or infinity.
        loss: f64,
    },
    /// The observer asked to stop.
    #[error("interrupted in epoch {epoch}")]
    Interrupted {
        /// The epoch, from 1.
        epoch: u32,
    },
    /// Too few images for one step.
    #[error("{images} training images make no batch; at least 2 are needed")]
    NoBatches {
        /// Training images.
        images: usize,
    },
    /// The network has no score for the class of an image.
    #[error(
        "{set} image {image} is of class {label} (`{class}`, counted from 0), the network tells {classes} classes apart; \
         give it at least {} classes", label + 1
    )]
    Label {
        /// Which split the image is of.
        set: Split,
        /// The image, from 0.
        image: usize,
        /// Its class, from 0.
        label: u32,
        /// The class's name.
        class: String,
        /// How many classes the network tells apart.
        classes: u32,
    },
    /// A batch could not be made.
    #[error(transparent)]
    Data(#[from] DataError),
    /// libtorch refused, for want of memory for example.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
}

fn first_line(error: &TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Trains `network`; `observer` hears of every epoch and of every step, and may stop the training.
pub fn train(
    network: &Network,
    plan: &TrainPlan<'_>,
    observer: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Trained, TrainError> {
    let started = Instant::now();
    let recipe = plan.recipe;
    check_labels(network, plan.train)?;
    check_labels(network, plan.val)?;
    let mut optimizer = Sgd::new(network, recipe.momentum, recipe.weight_decay)?;
    let steps_per_epoch = plan.train.len().div_ceil(recipe.batch_size.max(1));
    let schedule = recipe.schedule(steps_per_epoch);
    let mut epochs = Vec::new();
    let mut evaluation: Option<Evaluation> = None;
    for epoch in 1..=recipe.epochs {
        let epoch_started = Instant::now();
        let options = plan.batch_options(recipe.augmentation);
        let mut loss_sum = Tensor::f_zeros([1], (Kind::Float, network.device()))?;
        let (mut steps, mut images) = (0, 0);
        for batch in Batches::train(plan.train, &options, u64::from(epoch))? {
            let rate = schedule.at((epoch as usize - 1) * steps_per_epoch + steps);
            let loss = train_step(network, &mut optimizer, &batch, recipe, rate)?;
            loss_sum = loss_sum.f_add_(&loss)?;
            steps += 1;
            images += batch.len();
            let done = (f64::from(epoch - 1) + steps as f64 / steps_per_epoch as f64) / f64::from(recipe.epochs);
            if observer(Progress::Step { done }).is_break() {
                return Err(TrainError::Interrupted { epoch });
            }
        }
        if steps == 0 {
            return Err(TrainError::NoBatches {
                images: plan.train.len(),
            });
        }
        let loss = loss_sum.f_double_value(&[0])? / steps as f64;
        if !loss.is_finite() {
            return Err(TrainError::Diverged {
                epoch,
                step: steps,
                loss,
            });
        }
        let seconds = epoch_started.elapsed().as_secs_f64();
        if plan.validate_every_epoch || epoch == recipe.epochs {
            let found = evaluate(network, plan.val, &plan.batch_options(Augmentation::None))?;
            // The last step's loss is of the weights before it; what it left behind shows here.
            if found.loss.is_nan() {
                return Err(TrainError::Diverged {
                    epoch,
                    step: steps,
                    loss: found.loss,
                });
            }
            evaluation = Some(found);
        }
        let report = EpochReport {
            epoch,
            epochs: recipe.epochs,
            loss,
            accuracy: evaluation.filter(|_| plan.validate_every_epoch).map(|found| found.top1),
            images_per_second: images as f64 / seconds,
        };
        if observer(Progress::Epoch(&report)).is_break() && epoch < recipe.epochs {
            return Err(TrainError::Interrupted { epoch });
        }
        epochs.push(report);
    }
    let evaluation = evaluation.ok_or(TrainError::NoBatches {
        images: plan.train.len(),
    })?;
    Ok(Trained {
        evaluation,
        epochs,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// libtorch takes a label without a score for a broken program, on a GPU one that is beyond repair.
fn check_labels(network: &Network, set: &ImageSet) -> Result<(), TrainError> {
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

/// What an observer of a training hears.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A step was made; `done` is the share of the whole training, 0 to 1.
    Step {
        /// Share of the training that is done.
        done: f64,
    },
    /// An epoch ended.
    Epoch(&'a EpochReport),
}

impl TrainPlan<'_> {
    fn batch_options(&self, augmentation: Augmentation) -> BatchOptions {
        BatchOptions {
            batch_size: self.recipe.batch_size,
            resolution: self.resolution,
            augmentation,
            normalization: self.normalization,
            seed: self.seed,
        }
    }
}

fn train_step(
    network: &Network,
    optimizer: &mut Sgd,
    batch: &Batch,
    recipe: &Recipe,
    rate: f64,
) -> Result<Tensor, TchError> {
    let (images, labels) = tensors(batch, network)?;
    let scores = network.forward(&images, true)?;
    let loss = scores.f_cross_entropy_loss(&labels, None::<&Tensor>, Reduction::Mean, -100, recipe.label_smoothing)?;
    optimizer.zero_grad();
    loss.f_backward()?;
    optimizer.step(rate)?;
    Ok(loss.detach())
}

/// The batch as tensors; images `[batch, 3, height, width]` in channels-last memory order without a copy.
fn tensors(batch: &Batch, network: &Network) -> Result<(Tensor, Tensor), TchError> {
    let images = Tensor::f_from_slice(&batch.images)?
        .f_view(batch.shape())?
        .f_permute([0, 3, 1, 2])?;
    let labels = Tensor::f_from_slice(&batch.labels)?;
    Ok((
        images.f_to_device(network.device())?,
        labels.f_to_device(network.device())?,
    ))
}

/// Scores every image of `set` once.
pub fn evaluate(network: &Network, set: &Arc<ImageSet>, options: &BatchOptions) -> Result<Evaluation, TrainError> {
    check_labels(network, set)?;
    let _guard = tch::no_grad_guard();
    let (mut top1, mut top5, mut loss, mut images) = (0.0, 0.0, 0.0, 0);
    for batch in Batches::eval(set, options)? {
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
    }
    let count = images.max(1) as f64;
    Ok(Evaluation {
        top1: 100.0 * top1 / count,
        top5: 100.0 * top5 / count,
        loss: loss / count,
        images,
    })
}

#[cfg(test)]
mod tests;

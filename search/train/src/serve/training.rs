//! Trainings on the loaded images.

use std::ops::ControlFlow;
use std::time::Instant;

use mnas_engine::training::EpochReport;
use mnas_engine::training::weights::{Weights, WeightsInfo};
use mnas_engine::worker::{CheckpointRequest, FromWorker, TrainRequest, TrainResult};
use mnas_space::Architecture;

use super::context::{Context, PROGRESS_EVERY};
use super::fault::Fault;
use super::inherited::ReadParent;
use super::loaded::Loaded;
use super::test_split;
use crate::checkpoint::{CheckpointError, CheckpointPlan};
use crate::error::TrainError;
use crate::network::Network;
use crate::trainer::{Progress, TrainPlan, Trained, train};
use crate::weights::{LoadError, load_weights, weights_of};

/// Trains a network and saves its weights.
pub(super) fn run(loaded: &Loaded, request: &TrainRequest, context: &Context<'_>) -> Result<FromWorker, Fault> {
    let deployed: Architecture = request.architecture.parse().map_err(Fault::input)?;
    request.recipe.check().map_err(Fault::input)?;
    let trained_form = request.proxy.apply(&deployed);
    let parent = request
        .parent
        .as_ref()
        .map(|parent| ReadParent::read(parent, &request.proxy));
    let parent = parent.transpose().map_err(TrainError::from)?;
    let normalization = request
        .normalization
        .or(parent.as_ref().and_then(|parent| parent.normalization))
        .unwrap_or(loaded.normalization);
    let plan = TrainPlan {
        train: &loaded.splits.train,
        val: &loaded.splits.val,
        resolution: trained_form.resolution,
        normalization,
        recipe: &request.recipe,
        seed: request.seed,
        validate_every_epoch: request.validate_every_epoch,
        checkpoint: request.checkpoint.as_ref().map(|checkpoint| CheckpointPlan {
            path: checkpoint.path.clone(),
            every: checkpoint.every,
            architecture: trained_form.to_string(),
            parent: request.parent.clone(),
        }),
    };
    let (Initial { network, inherited }, trained) =
        train_from_checkpoint(&trained_form, parent.as_ref(), &plan, request, loaded.device, context)?;
    if let Some(path) = &request.weights {
        let info = WeightsInfo {
            architecture: request.architecture.clone(),
            train_resolution: trained_form.resolution,
            image_size: Some(loaded.splits.val.size()),
            normalization,
            classes: loaded.splits.train.classes().to_vec(),
            early_strides_removed: request.proxy.early_strides_removed,
            data: Some(loaded.data.clone()),
        };
        let weights = weights_of(&network, info)?;
        weights.write(path).map_err(|error| Fault::Unsaved(error.to_string()))?;
    }
    // Before the checkpoint is removed: an interrupted evaluation is repeated from it.
    let test = if request.test {
        test_split::evaluate(loaded, &network, trained_form.resolution, normalization, context)?
    } else {
        None
    };
    remove_temporary(request.checkpoint.as_ref());
    Ok(FromWorker::Done(Box::new(TrainResult {
        test,
        inherited,
        ..result_of(trained)
    })))
}

fn result_of(trained: Trained) -> TrainResult {
    let epochs = trained.epochs;
    let mean = |of: fn(&EpochReport) -> f64| epochs.iter().map(of).sum::<f64>() / epochs.len().max(1) as f64;
    TrainResult {
        accuracy: trained.validation.top1,
        top5: trained.validation.top5,
        train_loss: epochs.last().map_or(0.0, |epoch| epoch.loss),
        seconds: trained.seconds,
        images_per_second: mean(|epoch| epoch.images_per_second),
        data_wait_share: mean(|epoch| epoch.data_wait_share),
        validation_images: trained.validation.images,
        epochs,
        inherited: None,
        test: None,
    }
}

/// Trains from the checkpoint where there is one. A temporary checkpoint that is damaged or of another training is discarded.
fn train_from_checkpoint(
    trained_form: &Architecture,
    parent: Option<&ReadParent>,
    plan: &TrainPlan<'_>,
    request: &TrainRequest,
    device: tch::Device,
    context: &Context<'_>,
) -> Result<(Initial, Trained), TrainError> {
    let checkpoint = request.checkpoint.as_ref();
    let is_temporary = checkpoint.is_some_and(|checkpoint| checkpoint.is_temporary);
    let attempt = || {
        let initial = initial_network(trained_form, parent, plan, request, device, context)?;
        train(&initial.network, plan, &mut observer(context)).map(|trained| (initial, trained))
    };
    match attempt() {
        Err(TrainError::Checkpoint(CheckpointError::Format { .. } | CheckpointError::Other { .. })) if is_temporary => {
            remove_temporary(checkpoint);
            attempt()
        }
        // The saved state stays valid where the training was interrupted or the disk is full.
        Err(error @ (TrainError::Checkpoint(_) | TrainError::Interrupted { .. })) => Err(error),
        Err(error) => {
            remove_temporary(checkpoint);
            Err(error)
        }
        done => done,
    }
}

/// A network before its training.
struct Initial {
    network: Network,
    /// Share of its parameters that was inherited from a parent, where there is one.
    inherited: Option<f64>,
}

/// The network before its training: with the weights that the request names, else with those that it inherits, else with random ones.
fn initial_network(
    trained_form: &Architecture,
    parent: Option<&ReadParent>,
    plan: &TrainPlan<'_>,
    request: &TrainRequest,
    device: tch::Device,
    context: &Context<'_>,
) -> Result<Initial, TrainError> {
    if let (Some(parent), None) = (parent, &request.start_from) {
        let (network, inherited) = parent.network(trained_form, plan, device, request.seed)?;
        (context.report)(&FromWorker::Inherited(inherited));
        return Ok(Initial {
            network,
            inherited: Some(inherited.share),
        });
    }
    let mut network = Network::new(trained_form.graph(), device, request.seed)?;
    if let Some(path) = &request.start_from {
        let weights = Weights::read(path).map_err(LoadError::from)?;
        load_weights(&weights, &mut network, path)?;
    }
    Ok(Initial {
        network,
        inherited: None,
    })
}

/// An observer that reports progress and stops the training when its request is cancelled.
fn observer<'a>(context: &'a Context<'_>) -> impl FnMut(Progress<'_>) -> ControlFlow<()> + 'a {
    let mut reported = Instant::now();
    move |progress| {
        match progress {
            Progress::Step {
                done,
                epoch,
                loss,
                images_per_second,
                data_wait_share,
            } => {
                if reported.elapsed() > PROGRESS_EVERY {
                    reported = Instant::now();
                    (context.report)(&FromWorker::Progress {
                        done,
                        epoch,
                        loss,
                        images_per_second,
                        data_wait_share,
                    });
                }
            }
            Progress::Resumed(epochs) => (context.report)(&FromWorker::Resumed {
                epochs: epochs.to_vec(),
            }),
            Progress::Skipped(error) => (context.report)(&FromWorker::Warning {
                message: format!("skipped: {error}"),
            }),
            Progress::Epoch(report) => (context.report)(&FromWorker::Epoch(Box::new(*report))),
        }
        context.proceed()
    }
}

/// A checkpoint that cannot be removed only takes space: the next training discards it.
fn remove_temporary(checkpoint: Option<&CheckpointRequest>) {
    if let Some(CheckpointRequest {
        path,
        is_temporary: true,
        ..
    }) = checkpoint
    {
        let _ = std::fs::remove_file(path);
    }
}

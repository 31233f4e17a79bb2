//! The worker's side.

use std::io::{BufRead, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use mnas_space::Architecture;

use crate::data::{self, DataSummary, Splits, Watch};
use crate::{
    CheckpointError, CheckpointPlan, EpochReport, Network, Progress, TrainError, TrainPlan, Trained, open_device,
    train, weights_of,
};
use mnas_engine::training::TrainDevice;
use mnas_engine::training::weights::WeightsInfo;
use mnas_engine::training::{DataRequest, Normalization};
use mnas_engine::worker::{FromWorker, Ready, ToWorker, TrainRequest, TrainResult};

/// Progress lines are sent at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Serves a coordinator until `input` ends: reads requests from it, trains on `device`, writes answers to `output`.
///
/// The end of `input` means that the coordinator is gone: `abandon` is then called from the reading thread, also in the
/// middle of a training. A process calls `exit` there, so that a killed coordinator leaves no worker behind.
pub fn serve(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send,
    device: TrainDevice,
    abandon: impl Fn() + Send + 'static,
) -> std::io::Result<()> {
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for line in input.lines() {
            let Ok(line) = line else { break };
            if !line.trim().is_empty() && sender.send(line).is_err() {
                return;
            }
        }
        drop(sender);
        abandon();
    });
    Worker {
        output: Mutex::new(output),
        device,
        loaded: None,
    }
    .run(&requests)
}

/// Short trainings are over before they are worth writing down.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);

/// Why there is no trained network.
enum Fault {
    /// The training.
    Training(String),
    /// The network is trained and cannot be kept.
    Saving(String),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Training(reason)
    }
}

struct Worker<W: Write> {
    output: Mutex<W>,
    device: TrainDevice,
    loaded: Option<Loaded>,
}

/// The images, and where they come from.
struct Loaded {
    /// Where to train.
    device: tch::Device,
    splits: Splits,
    normalization: Normalization,
    data: DataRequest,
}

impl<W: Write + Send> Worker<W> {
    fn run(&mut self, requests: &Receiver<String>) -> std::io::Result<()> {
        for line in requests {
            match serde_json::from_str(&line) {
                Ok(ToWorker::Prepare {
                    data,
                    resolution,
                    augmentation,
                    threads,
                }) => {
                    let device = match open_device(self.device) {
                        Ok(device) => device,
                        Err(error) => {
                            let reason = error.to_string();
                            return self.say(&FromWorker::Refused { reason });
                        }
                    };
                    tch::set_num_threads(i32::try_from(threads.max(1)).unwrap_or(1));
                    let last = Mutex::new(Instant::now());
                    let progress = |done: usize, total: usize| {
                        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        if last.elapsed() > PROGRESS_EVERY {
                            *last = Instant::now();
                            // A coordinator that is gone is noticed by the reading thread.
                            let _ = self.say(&FromWorker::Loading { done, total });
                        }
                    };
                    let watch = Watch {
                        progress: &progress,
                        ..Watch::nobody()
                    };
                    match data::load(&data, resolution, &augmentation, watch) {
                        Ok(splits) => {
                            let ready = ready_of(&splits.summary());
                            let normalization = data::normalization_of(&splits.train);
                            self.loaded = Some(Loaded {
                                device,
                                splits,
                                normalization,
                                data,
                            });
                            self.say(&FromWorker::Ready(Box::new(ready)))?;
                        }
                        Err(error) => {
                            self.say(&FromWorker::Refused {
                                reason: error.to_string(),
                            })?;
                            return Ok(());
                        }
                    }
                }
                Ok(ToWorker::Train(request)) => {
                    let trial = request.trial;
                    let answer = match self.train(&request) {
                        Ok(result) => FromWorker::Done { trial, result },
                        Err(Fault::Training(reason)) => FromWorker::Failed { trial, reason },
                        Err(Fault::Saving(reason)) => FromWorker::Unsaved { trial, reason },
                    };
                    self.say(&answer)?;
                }
                Err(error) => {
                    let reason = format!("this worker does not understand its coordinator ({error}): {line}");
                    self.say(&FromWorker::Refused { reason })?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn say(&self, message: &FromWorker) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut output = self.output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        output.write_all(&line)?;
        output.flush()
    }

    fn train(&self, request: &TrainRequest) -> Result<TrainResult, Fault> {
        let loaded = self.loaded.as_ref();
        let loaded = loaded.ok_or_else(|| "asked to train before the images were loaded".to_owned())?;
        let deployed: Architecture = request.architecture.parse().map_err(|error| format!("{error}"))?;
        request.recipe.check().map_err(|error| error.to_string())?;
        let trained_form = request.proxy.apply(&deployed);
        let plan = TrainPlan {
            train: &loaded.splits.train,
            val: &loaded.splits.val,
            resolution: trained_form.resolution,
            normalization: loaded.normalization,
            recipe: &request.recipe,
            seed: request.seed,
            validate_every_epoch: false,
            checkpoint: request.checkpoint.clone().map(|path| CheckpointPlan {
                path,
                every: CHECKPOINT_EVERY,
                architecture: trained_form.to_string(),
            }),
        };
        let outcome = self.train_from_checkpoint(&trained_form, &plan, request, loaded.device);
        let (network, trained) = match outcome {
            // A full disk is no fault of the trial's.
            Err(TrainError::Checkpoint(CheckpointError::File(error))) => return Err(Fault::Saving(error.to_string())),
            other => other.map_err(|error| error.to_string())?,
        };
        if let Some(path) = &request.weights {
            let info = WeightsInfo {
                architecture: request.architecture.clone(),
                train_resolution: trained_form.resolution,
                image_size: Some(loaded.splits.val.size()),
                normalization: loaded.normalization,
                classes: loaded.splits.train.classes().to_vec(),
                early_strides_removed: request.proxy.early_strides_removed,
                data: Some(loaded.data.clone()),
            };
            let weights = weights_of(&network, info).map_err(|error| first_line(&error))?;
            weights.write(path).map_err(|error| Fault::Saving(error.to_string()))?;
        }
        remove(request.checkpoint.as_deref());
        let last = trained.epochs.last();
        let mean = |of: fn(&EpochReport) -> f64| {
            trained.epochs.iter().map(of).sum::<f64>() / trained.epochs.len().max(1) as f64
        };
        Ok(TrainResult {
            accuracy: trained.evaluation.top1,
            top5: trained.evaluation.top5,
            train_loss: last.map_or(f64::NAN, |epoch| epoch.loss),
            seconds: trained.seconds,
            images_per_second: mean(|epoch| epoch.images_per_second),
            data_wait_share: mean(|epoch| epoch.data_wait_share),
        })
    }

    /// Trains, from the checkpoint where a worker died before; one that is damaged or of another training is thrown away.
    fn train_from_checkpoint(
        &self,
        trained_form: &Architecture,
        plan: &TrainPlan<'_>,
        request: &TrainRequest,
        device: tch::Device,
    ) -> Result<(Network, Trained), TrainError> {
        let mut last = Instant::now();
        let mut observer = |progress: Progress<'_>| {
            if let Progress::Step { done, .. } = progress
                && last.elapsed() > PROGRESS_EVERY
            {
                last = Instant::now();
                // A coordinator that is gone is noticed by the reading thread.
                let _ = self.say(&FromWorker::Progress {
                    trial: request.trial,
                    done,
                });
            }
            ControlFlow::Continue(())
        };
        let new_network = || Network::new(trained_form.graph(), device, request.seed);
        let network = new_network()?;
        match train(&network, plan, &mut observer) {
            Ok(trained) => Ok((network, trained)),
            Err(TrainError::Checkpoint(CheckpointError::Format { .. } | CheckpointError::Other { .. })) => {
                remove(request.checkpoint.as_deref());
                let network = new_network()?;
                train(&network, plan, &mut observer).map(|trained| (network, trained))
            }
            Err(error) => {
                // A full disk says nothing about the state that was written before.
                if !matches!(error, TrainError::Checkpoint(_)) {
                    remove(request.checkpoint.as_deref());
                }
                Err(error)
            }
        }
    }
}

/// The facts that a coordinator keeps about the loaded images.
fn ready_of(summary: &DataSummary) -> Ready {
    Ready {
        name: summary.name.clone(),
        description: summary.to_string(),
        classes: summary.classes.clone(),
        train: summary.train,
        val: summary.val,
        size: summary.size,
        demo: summary.is_synthetic,
        skipped: summary.skipped.clone(),
    }
}

/// A checkpoint that stays costs space alone: the next training throws it away.
fn remove(checkpoint: Option<&Path>) {
    if let Some(path) = checkpoint {
        let _ = std::fs::remove_file(path);
    }
}

fn first_line(error: &tch::TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;

//! The worker's side.

use std::io::{BufRead, Write};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use mnas_space::Architecture;

use super::protocol::{FromWorker, Ready, ToWorker, TrainRequest, TrainResult};
use crate::data::{DataRequest, Normalization, Splits, Watch};
use crate::train::weights::{Weights, WeightsInfo};
use crate::train::{Network, Progress, TrainPlan, train};

/// Progress lines are sent at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Serves a coordinator until `input` ends: reads requests from it, writes answers to `output`.
///
/// The end of `input` means that the coordinator is gone: `abandon` is then called from the reading thread, also in the
/// middle of a training. A process calls `exit` there, so that a killed coordinator leaves no worker behind.
pub fn serve(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send,
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
        loaded: None,
    }
    .run(&requests)
}

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
    loaded: Option<Loaded>,
}

/// The images, and where they come from.
struct Loaded {
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
                    match data.load(resolution, &augmentation, watch) {
                        Ok(splits) => {
                            let ready = Ready::from(&splits.summary());
                            let normalization = Normalization::of(&splits.train);
                            self.loaded = Some(Loaded {
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
        let Loaded {
            splits,
            normalization,
            data,
        } = loaded.ok_or_else(|| "asked to train before the images were loaded".to_owned())?;
        let deployed: Architecture = request.architecture.parse().map_err(|error| format!("{error}"))?;
        request.recipe.check().map_err(|error| error.to_string())?;
        let trained_form = request.proxy.apply(&deployed);
        let text = |error: tch::TchError| error.to_string().lines().next().unwrap_or_default().to_owned();
        let network = Network::new(trained_form.graph(), tch::Device::Cpu, request.seed).map_err(text)?;
        let plan = TrainPlan {
            train: &splits.train,
            val: &splits.val,
            resolution: trained_form.resolution,
            normalization: *normalization,
            recipe: &request.recipe,
            seed: request.seed,
            validate_every_epoch: false,
            checkpoint: None,
        };
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
        let trained = train(&network, &plan, &mut observer).map_err(|error| error.to_string())?;
        if let Some(path) = &request.weights {
            let info = WeightsInfo {
                architecture: request.architecture.clone(),
                train_resolution: trained_form.resolution,
                image_size: Some(splits.val.size()),
                normalization: *normalization,
                classes: splits.train.classes().to_vec(),
                early_strides_removed: request.proxy.early_strides_removed,
                data: Some(data.clone()),
            };
            let weights = Weights::of(&network, info).map_err(text)?;
            weights.write(path).map_err(|error| Fault::Saving(error.to_string()))?;
        }
        let last = trained.epochs.last();
        let rates = trained.epochs.iter().map(|epoch| epoch.images_per_second).sum::<f64>();
        Ok(TrainResult {
            accuracy: trained.evaluation.top1,
            top5: trained.evaluation.top5,
            train_loss: last.map_or(f64::NAN, |epoch| epoch.loss),
            seconds: trained.seconds,
            images_per_second: rates / trained.epochs.len().max(1) as f64,
        })
    }
}

#[cfg(test)]
mod tests;

//! State and steps of a training.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Instant;

use tch::{Device, Kind, Tensor};

use mnas_engine::training::{EpochReport, LearningRate};
use mnas_space::random::{derived_seed, stream};

use super::plan::{Progress, TrainPlan, Trained};
use crate::average::Average;
use crate::checkpoint::{self, Position};
use crate::data::Batches;
use crate::error::TrainError;
use crate::evaluation::evaluate;
use crate::feed::{Fed, Feed};
use crate::mixing::{Mix, mixed_loss};
use crate::network::{Dropout, Network, TrainingMode};
use crate::optimizer::Optimizer;
use crate::teacher::Teacher;

/// Ratio of an epoch's mean loss to that of guessing above which the training has diverged.
const DIVERGED: f64 = 100.0;

/// Steps between two readings of the loss on a GPU: reading it waits for all work under way.
const STEPS_BETWEEN_READINGS: usize = 50;

/// State of a training.
pub(super) struct Session<'a> {
    network: &'a Network,
    plan: &'a TrainPlan<'a>,
    optimizer: Optimizer,
    average: Option<Average>,
    teacher: Option<Teacher>,
    rates: LearningRate,
    steps_per_epoch: usize,
    position: Position,
    /// Sum of the losses of the epoch under way, on the network's device.
    loss_sum: Tensor,
    identity: serde_json::Value,
    last_saved: Instant,
    /// Errors of corrupt images that were reported.
    reported_skips: BTreeSet<String>,
}

impl<'a> Session<'a> {
    /// A session at its beginning, or at the position of its checkpoint.
    pub(super) fn start(network: &'a Network, plan: &'a TrainPlan<'a>) -> Result<Self, TrainError> {
        let recipe = plan.recipe;
        let scores = network.graph().output_shape().channels;
        let open = |settings| Teacher::open(settings, plan.train, scores, plan.normalization, network.device());
        let steps_per_epoch = plan.train.len().div_ceil(recipe.batch_size.max(1));
        let mut session = Self {
            network,
            plan,
            optimizer: Optimizer::new(network, recipe)?.with_head_steps(recipe.head_steps(steps_per_epoch)),
            average: recipe.ema.map(|decay| Average::new(network, decay)).transpose()?,
            teacher: recipe.distillation.as_ref().map(open).transpose()?,
            rates: recipe.learning_rates(steps_per_epoch),
            steps_per_epoch,
            position: Position {
                epochs_done: 0,
                steps: 0,
                images: 0,
                loss_sum: 0.0,
                epoch_seconds: 0.0,
                wait_seconds: 0.0,
                seconds: 0.0,
                optimizer_steps: 0,
                reports: Vec::new(),
                validation: None,
            },
            loss_sum: Tensor::f_zeros([1], (Kind::Double, network.device()))?,
            identity: plan.identity(),
            last_saved: Instant::now(),
            reported_skips: BTreeSet::new(),
        };
        if let Some(checkpoint) = &plan.checkpoint
            && checkpoint.path.exists()
        {
            session.position = checkpoint::read(&checkpoint.path, &session.identity, session.tensors())?;
            session.optimizer.set_steps(session.position.optimizer_steps);
            drop(session.loss_sum.f_fill_(session.position.loss_sum)?);
        }
        Ok(session)
    }

    pub(super) fn epochs_done(&self) -> u32 {
        self.position.epochs_done
    }

    /// Reports of the epochs done.
    pub(super) fn reports(&self) -> &[EpochReport] {
        &self.position.reports
    }

    /// Trains to the end of the epoch under way.
    pub(super) fn epoch(
        &mut self,
        observer: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<(), TrainError> {
        let epoch = self.position.epochs_done + 1;
        let options = self.plan.train_options(epoch);
        let before = self.position.epoch_seconds;
        let waited_before = self.position.wait_seconds;
        let started = Instant::now();
        let batches = Batches::train_from(self.plan.train, &options, u64::from(epoch), self.position.steps)?;
        let mut feed = Feed::new(batches, self.network.device());
        while let Some(batch) = feed.next() {
            let batch = batch?;
            for skipped in &batch.skipped {
                if self.reported_skips.insert(skipped.clone()) {
                    // A stop requested here takes effect at the next step.
                    let _ = observer(Progress::Skipped(skipped));
                }
            }
            let loss = self.step(epoch, batch)?;
            self.position.epoch_seconds = before + started.elapsed().as_secs_f64();
            self.position.wait_seconds = waited_before + feed.waited().as_secs_f64();
            let progress = Progress::Step {
                done: self.share_done(),
                epoch,
                loss,
                images_per_second: self.position.images as f64 / self.position.epoch_seconds,
                data_wait_share: self.position.wait_seconds / self.position.epoch_seconds,
            };
            if observer(progress).is_break() {
                self.save()?;
                return Err(TrainError::Interrupted { epoch });
            }
            self.save_when_due()?;
        }
        if self.position.steps == 0 {
            return Err(TrainError::NoBatches {
                images: self.plan.train.len(),
            });
        }
        let report = self.close_epoch(epoch, options.resolution, before, started)?;
        if observer(Progress::Epoch(&report)).is_break() && epoch < self.plan.recipe.epochs {
            self.save()?;
            return Err(TrainError::Interrupted { epoch });
        }
        self.save_when_due()
    }

    /// Trains on one batch; returns the mean loss of the epoch so far where it was read.
    fn step(&mut self, epoch: u32, batch: Fed) -> Result<Option<f64>, TrainError> {
        // Batch normalisation needs two images; a batch has fewer where others were corrupt and skipped.
        if batch.count < 2 {
            self.position.steps += 1;
            return Ok(None);
        }
        let recipe = self.plan.recipe;
        let place = (u64::from(epoch), self.position.steps as u64);
        let Fed {
            mut images,
            labels,
            count,
            ..
        } = batch;
        let mut share = 1.0;
        if let Some(mix) = Mix::draw(recipe, &mut stream(self.plan.seed, "mix", place.0, place.1)) {
            (images, share) = mix.apply(images)?;
        }
        let mode = TrainingMode {
            dropout: (recipe.dropout > 0.0).then(|| Dropout {
                probability: recipe.dropout,
                seed: derived_seed(self.plan.seed, "dropout", self.optimizer.steps()),
            }),
            batch_norm_momentum: recipe.batch_norm_momentum,
            is_backbone_frozen: self.optimizer.trains_classifier_only(),
        };
        let scores = self.network.forward_as(&images, Some(&mode))?;
        let mut loss = mixed_loss(&scores, &labels, share, recipe.label_smoothing)?;
        if let Some(teacher) = &self.teacher {
            loss = teacher.loss(&images, &scores, &loss)?;
        }
        let gradients = self.optimizer.gradients(&loss)?;
        let rate = self
            .rates
            .at((epoch as usize - 1) * self.steps_per_epoch + self.position.steps);
        self.optimizer.step(gradients, rate)?;
        if let Some(average) = &self.average {
            average.update(self.network, self.optimizer.steps() - 1)?;
        }
        drop(self.loss_sum.f_add_(&loss.f_detach()?)?);
        self.position.steps += 1;
        self.position.images += count;
        let is_read =
            self.network.device() == Device::Cpu || self.position.steps.is_multiple_of(STEPS_BETWEEN_READINGS);
        is_read.then(|| self.mean_loss(epoch)).transpose()
    }

    /// Loss above which a training has diverged.
    fn diverged_loss(&self) -> f64 {
        let classes = f64::from(self.network.graph().output_shape().channels);
        DIVERGED * classes.ln().max(1.0)
    }

    /// Mean loss of the epoch so far; an error where it is not a number.
    fn mean_loss(&self, epoch: u32) -> Result<f64, TrainError> {
        let loss = self.loss_sum.f_double_value(&[0])? / self.position.steps as f64;
        if loss.is_finite() {
            return Ok(loss);
        }
        Err(TrainError::Diverged {
            epoch,
            step: self.position.steps,
            loss,
        })
    }

    fn close_epoch(
        &mut self,
        epoch: u32,
        resolution: u32,
        seconds_before: f64,
        started: Instant,
    ) -> Result<EpochReport, TrainError> {
        let loss = self.mean_loss(epoch)?;
        if loss > self.diverged_loss() {
            return Err(TrainError::Diverged {
                epoch,
                step: self.position.steps,
                loss,
            });
        }
        let training_seconds = seconds_before + started.elapsed().as_secs_f64();
        let mut validation = None;
        if self.plan.validate_every_epoch || epoch == self.plan.recipe.epochs {
            let network = self.average.as_ref().map_or(self.network, Average::network);
            let found = evaluate(network, self.plan.val, &self.plan.eval_options())?;
            // The loss of the last step is that of the weights before it; divergence in it shows only here.
            if found.loss.is_nan() {
                return Err(TrainError::Diverged {
                    epoch,
                    step: self.position.steps,
                    loss: found.loss,
                });
            }
            validation = Some(found);
            self.position.validation = validation;
        }
        let seconds = seconds_before + started.elapsed().as_secs_f64();
        let report = EpochReport {
            epoch,
            epochs: self.plan.recipe.epochs,
            loss,
            learning_rate: self
                .rates
                .at((epoch as usize - 1) * self.steps_per_epoch + self.position.steps - 1),
            resolution,
            validation: validation.filter(|_| self.plan.validate_every_epoch),
            images_per_second: self.position.images as f64 / training_seconds,
            data_wait_share: self.position.wait_seconds / training_seconds,
            seconds,
        };
        self.position.reports.push(report);
        self.position.epochs_done = epoch;
        self.position.seconds += seconds;
        self.position.epoch_seconds = 0.0;
        self.position.wait_seconds = 0.0;
        self.position.steps = 0;
        self.position.images = 0;
        drop(self.loss_sum.f_zero_()?);
        Ok(report)
    }

    /// Ends the training: the network receives the averaged weights.
    pub(super) fn finish(mut self) -> Result<Trained, TrainError> {
        let validation = self.position.validation.ok_or(TrainError::NoBatches {
            images: self.plan.train.len(),
        })?;
        // Saving the weights, which follows, may fail; the training is kept.
        self.save_when_due()?;
        if let Some(average) = &self.average {
            self.network.copy_from(average.network())?;
        }
        Ok(Trained {
            validation,
            epochs: self.position.reports,
            seconds: self.position.seconds,
        })
    }

    fn share_done(&self) -> f64 {
        let epochs = f64::from(self.position.epochs_done) + self.position.steps as f64 / self.steps_per_epoch as f64;
        epochs / f64::from(self.plan.recipe.epochs)
    }

    fn save_when_due(&mut self) -> Result<(), TrainError> {
        let due = |every| self.last_saved.elapsed() >= every;
        match &self.plan.checkpoint {
            Some(checkpoint) if due(checkpoint.every) => self.save(),
            _ => Ok(()),
        }
    }

    fn save(&mut self) -> Result<(), TrainError> {
        let Some(checkpoint) = &self.plan.checkpoint else {
            return Ok(());
        };
        self.position.loss_sum = self.loss_sum.f_double_value(&[0])?;
        self.position.optimizer_steps = self.optimizer.steps();
        checkpoint::write(&checkpoint.path, &self.identity, &self.position, self.tensors())?;
        self.last_saved = Instant::now();
        Ok(())
    }

    /// All tensors of the state.
    fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let named = |prefix: &'static str, network: &'a Network| {
            network
                .tensors()
                .map(move |(spec, tensor)| (format!("{prefix}.{}", spec.name), tensor))
        };
        let average = self.average.iter().flat_map(|average| {
            average
                .network()
                .tensors()
                .map(|(spec, tensor)| (format!("average.{}", spec.name), tensor))
        });
        let state = self
            .optimizer
            .state()
            .map(|(name, tensor)| (format!("optimizer.{name}"), tensor));
        named("network", self.network).chain(average).chain(state)
    }
}

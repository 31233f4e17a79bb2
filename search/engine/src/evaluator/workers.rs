//! Worker processes that train or score, behind pipes.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use mnas_latency::pipe::{CommandLine, Event, Pipe, PipeError, PipeOptions, ReconnectPolicy, Reconnection, Tagged};

use mnas_space::Architecture;

use super::contract::{Evaluation, Evaluator, EvaluatorEvent, TrialRequest};
use super::error::EvaluatorError;
use super::scorer::Scorer;
use crate::files;
use crate::ranking::Measured;
use crate::training::{ParentWeights, Proxy, Recipe};
use crate::worker::{CheckpointRequest, FromWorker, PROTOCOL, Ready, ToWorker, TrainRequest};

/// Attempts to start a worker that was never ready: the fault lies in its command or its machine, and is seldom transient.
const FIRST_ATTEMPTS: u32 = 3;

/// Set-up that every worker of a pool receives.
#[derive(Debug, Clone)]
pub struct WorkerSetup {
    /// The request that loads the images.
    pub prepare: ToWorker,
    /// Network trained in place of the deployed one.
    pub proxy: Proxy,
    /// The recipe.
    pub recipe: Recipe,
    /// Network from which candidates inherit.
    pub parent: Option<ParentWeights>,
    /// True if trained networks are evaluated on the test split too, as those of final trainings are.
    pub test: bool,
}

/// A set of worker processes, started by one command or several. A worker that is lost is started again after growing pauses;
/// the pool goes on while one is left.
#[derive(Debug)]
pub struct WorkerPool {
    /// The request that loads the images.
    prepare: ToWorker,
    task: Task,
    /// Folder of the workers' logs.
    logs: PathBuf,
    policy: ReconnectPolicy,
    slots: Vec<Slot>,
    sender: Sender<Tagged<FromWorker>>,
    receiver: Receiver<Tagged<FromWorker>>,
    /// Events received while waiting for another one.
    found: VecDeque<EvaluatorEvent>,
    /// Images as the first worker loaded them.
    data: Option<Ready>,
    /// Share of the images loaded by the first worker, done and in all.
    loading: (usize, usize),
    /// Reason for which the last worker was lost for good, and whether its images could not be loaded.
    last_end: Option<(String, bool)>,
}

/// Work on a trial.
#[derive(Debug)]
enum Task {
    Train {
        proxy: Proxy,
        recipe: Box<Recipe>,
        parent: Option<ParentWeights>,
        test: bool,
    },
    Score {
        scorer: Scorer,
        /// Networks that are being scored, by trial.
        architectures: HashMap<u64, Architecture>,
    },
}

impl Task {
    /// The request for a trial.
    fn request(&mut self, request: TrialRequest) -> Result<ToWorker, String> {
        match self {
            Self::Train {
                proxy,
                recipe,
                parent,
                test,
            } => {
                let full = recipe.epochs;
                let done = request.start_from.as_ref().map_or(0, |one| one.fidelity.epochs(full));
                let epochs = request.fidelity.epochs(full).saturating_sub(done);
                let mut recipe = (**recipe).clone();
                if epochs != full {
                    recipe.set_epochs(epochs);
                }
                Ok(ToWorker::Train(Box::new(TrainRequest {
                    architecture: request.architecture.to_string(),
                    proxy: *proxy,
                    recipe,
                    seed: request.seed,
                    start_from: request.start_from.map(|one| one.weights),
                    parent: parent.clone(),
                    normalization: None,
                    weights: request.weights,
                    checkpoint: request.checkpoint.map(CheckpointRequest::of_trial),
                    validate_every_epoch: false,
                    test: *test,
                })))
            }
            Self::Score { scorer, architectures } => {
                let signals = scorer.request(&request.architecture)?;
                architectures.insert(request.trial, request.architecture);
                Ok(ToWorker::Signals(Box::new(signals)))
            }
        }
    }

    /// The evaluation of a trial by measured signals; `None` where no signals were asked for.
    fn score(&mut self, trial: u64, measured: &[Measured]) -> Option<Result<Evaluation, String>> {
        let Self::Score { scorer, architectures } = self else {
            return None;
        };
        let architecture = architectures.remove(&trial)?;
        Some(scorer.evaluation(&architecture, measured))
    }
}

/// Slot of one worker.
#[derive(Debug)]
struct Slot {
    name: String,
    command: CommandLine,
    pipe: Option<Pipe>,
    /// Number of processes started in this slot; identifies events of earlier processes.
    generation: u64,
    state: SlotState,
    reconnection: Reconnection,
    was_ready: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum SlotState {
    /// The process starts or loads its images; the request's identifier.
    Loading,
    Free,
    /// A trial is being evaluated under this request.
    Busy {
        trial: u64,
        request: u64,
    },
    /// The next process is started at this time.
    Waiting(Instant),
    /// No further process is started.
    Gone,
}

impl WorkerPool {
    /// A pool without workers, whose logs are appended to files in `logs`.
    pub fn new(setup: WorkerSetup, logs: &Path) -> Self {
        let task = Task::Train {
            proxy: setup.proxy,
            recipe: Box::new(setup.recipe),
            parent: setup.parent,
            test: setup.test,
        };
        Self::with_task(setup.prepare, task, logs)
    }

    /// A pool without workers that scores candidates and trains none; `prepare` loads the images of the signals.
    pub fn scoring(prepare: ToWorker, scorer: Scorer, logs: &Path) -> Self {
        let task = Task::Score {
            scorer,
            architectures: HashMap::new(),
        };
        Self::with_task(prepare, task, logs)
    }

    fn with_task(prepare: ToWorker, task: Task, logs: &Path) -> Self {
        let (sender, receiver) = channel();
        Self {
            prepare,
            task,
            logs: logs.to_path_buf(),
            policy: ReconnectPolicy::default(),
            slots: Vec::new(),
            sender,
            receiver,
            found: VecDeque::new(),
            data: None,
            loading: (0, 0),
            last_end: None,
        }
    }

    /// Replaces the policy by which lost workers are started again.
    #[must_use]
    pub fn with_policy(mut self, policy: ReconnectPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Starts a worker by a command; `host` names it in events, with the worker's number.
    pub fn start(&mut self, host: &str, command: CommandLine) -> Result<(), EvaluatorError> {
        files::create_folder(&self.logs).map_err(EvaluatorError::Log)?;
        let index = self.slots.len();
        self.slots.push(Slot {
            name: format!("{host}/{index}"),
            command,
            pipe: None,
            generation: 0,
            state: SlotState::Waiting(Instant::now()),
            reconnection: Reconnection::new(self.policy),
            was_ready: false,
        });
        self.start_process(index);
        Ok(())
    }

    /// Workers that are not lost for good.
    pub fn alive(&self) -> usize {
        self.slots.iter().filter(|slot| slot.state != SlotState::Gone).count()
    }

    /// Waits until the first worker has loaded its images, and returns the facts about them. `on_loading` is called with the
    /// images done and in all, and returns whether to go on waiting; `None` where it did not.
    pub fn wait_for_data(
        &mut self,
        on_loading: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Ready>, EvaluatorError> {
        while self.data.is_none() {
            let (done, total) = self.loading;
            if !on_loading(done, total) {
                return Ok(None);
            }
            let event = self.poll(Duration::from_millis(100))?;
            self.found.extend(event);
        }
        Ok(self.data.clone())
    }

    fn start_process(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.generation += 1;
        let options = PipeOptions {
            log: Some(self.logs.join(format!("worker-{index}.log"))),
            // No time limit: a cluster may keep a worker in its queue.
            hello: None,
            ..PipeOptions::new(PROTOCOL)
        };
        let sink = Tagged::sink(self.sender.clone(), index, slot.generation);
        slot.state = SlotState::Loading;
        match Pipe::start::<FromWorker>(&slot.command, &options, sink) {
            Ok(mut pipe) => {
                pipe.request(&self.prepare);
                slot.pipe = Some(pipe);
            }
            Err(error) => {
                let generation = slot.generation;
                // Sent through the channel, so that it is handled like every other end of a process.
                let _ = self.sender.send(Tagged {
                    index,
                    generation,
                    event: Event::Ended(error),
                });
            }
        }
    }

    /// The next event, waiting for it at most `timeout`.
    fn poll(&mut self, timeout: Duration) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        let deadline = Instant::now() + timeout;
        loop {
            self.start_due();
            let mut until = deadline;
            for slot in &self.slots {
                if let SlotState::Waiting(at) = slot.state {
                    until = until.min(at);
                }
            }
            match self
                .receiver
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(tagged) => {
                    if self.slots[tagged.index].generation != tagged.generation {
                        continue;
                    }
                    if let Some(event) = self.interpret(tagged.index, tagged.event)? {
                        return Ok(Some(event));
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        for index in 0..self.slots.len() {
            if matches!(self.slots[index].state, SlotState::Waiting(at) if at <= now) {
                self.start_process(index);
            }
        }
    }

    fn interpret(&mut self, index: usize, event: Event<FromWorker>) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        match event {
            Event::Hello(_) => Ok(None),
            Event::Progress { id, content } => Ok(self.progress(index, id, &content)),
            Event::Reply { id, content } => self.reply(index, id, content),
            Event::Rejected { reason, .. } => {
                let reason = format!("it rejects a request: {reason}");
                self.lose_for_good(index, &reason, false)
            }
            Event::Ended(error) => self.ended(index, &error),
        }
    }

    fn progress(&mut self, index: usize, id: u64, content: &FromWorker) -> Option<EvaluatorEvent> {
        match (self.slots[index].state, content) {
            (SlotState::Loading, FromWorker::Loading { done, total }) => {
                self.loading = (*done, *total);
                None
            }
            (SlotState::Busy { trial, request }, FromWorker::Progress { done, .. }) if request == id => {
                Some(EvaluatorEvent::Progress { trial, done: *done })
            }
            _ => None,
        }
    }

    fn reply(&mut self, index: usize, id: u64, content: FromWorker) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        let slot = &mut self.slots[index];
        if slot.state == SlotState::Loading {
            return match content {
                FromWorker::Ready(ready) => self.ready(index, *ready),
                FromWorker::Refused { reason, .. } => self.lose_for_good(index, &reason, true),
                _ => Ok(None),
            };
        }
        let SlotState::Busy { trial, request } = slot.state else {
            return Ok(None);
        };
        if request != id {
            return Ok(None);
        }
        let worker = slot.name.clone();
        slot.state = SlotState::Free;
        Ok(match content {
            FromWorker::Done(result) => Some(EvaluatorEvent::Finished {
                trial,
                evaluation: Evaluation {
                    accuracy: result.accuracy,
                    seconds: result.seconds,
                    training: Some(*result),
                },
                worker,
            }),
            FromWorker::Signals(measured) if let Some(scored) = self.task.score(trial, &measured) => {
                Some(match scored {
                    Ok(evaluation) => EvaluatorEvent::Finished {
                        trial,
                        evaluation,
                        worker,
                    },
                    Err(reason) => EvaluatorEvent::Failed { trial, reason, worker },
                })
            }
            FromWorker::Failed { reason, .. } => Some(EvaluatorEvent::Failed { trial, reason, worker }),
            FromWorker::Unsaved { reason } => return Err(EvaluatorError::Unsaved { trial, reason }),
            other => {
                let reason = format!("its reply does not fit the request: {other:?}");
                return self.lose_for_good(index, &reason, false);
            }
        })
    }

    /// Accepts a worker whose images are those of the first one.
    fn ready(&mut self, index: usize, ready: Ready) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        if let Some(first) = &self.data
            && first.fingerprint != ready.fingerprint
        {
            let reason = format!(
                "its images differ from those of the other workers ({}, they have {})",
                ready.description, first.description
            );
            return self.lose_for_good(index, &reason, true);
        }
        let slot = &mut self.slots[index];
        slot.state = SlotState::Free;
        slot.was_ready = true;
        slot.reconnection.succeed();
        self.data.get_or_insert(ready);
        Ok(None)
    }

    /// A worker's process ended: its trial is lost, and another process is started after a pause.
    fn ended(&mut self, index: usize, error: &PipeError) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        let reason = error.to_string();
        let slot = &mut self.slots[index];
        let pause = slot.reconnection.fail();
        let may_restart = error.is_transient() && (slot.was_ready || slot.reconnection.failures() < FIRST_ATTEMPTS);
        let (Some(pause), true) = (pause, may_restart) else {
            return self.lose_for_good(index, &reason, false);
        };
        let trial = slot.release(SlotState::Waiting(Instant::now() + pause));
        let message = format!("worker {} was lost and is started again: {reason}", slot.name);
        tracing::debug!("{message}");
        Ok(Some(match trial {
            Some(trial) => {
                self.found.push_back(EvaluatorEvent::Notice { message });
                EvaluatorEvent::Lost { trial, reason }
            }
            None => EvaluatorEvent::Notice { message },
        }))
    }

    /// Marks a worker as lost for good; an error where it was the last one.
    fn lose_for_good(
        &mut self,
        index: usize,
        reason: &str,
        is_data: bool,
    ) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        let slot = &mut self.slots[index];
        let message = format!("worker {} is given up: {reason}", slot.name);
        let trial = slot.release(SlotState::Gone);
        // A failure to load the images is kept, since it is the one to report to the user.
        if self.last_end.as_ref().is_none_or(|(_, was_data)| !was_data) {
            self.last_end = Some((reason.to_owned(), is_data));
        }
        if self.alive() == 0 {
            return Err(self.no_workers());
        }
        Ok(Some(match trial {
            Some(trial) => {
                self.found.push_back(EvaluatorEvent::Notice { message });
                EvaluatorEvent::Lost {
                    trial,
                    reason: reason.to_owned(),
                }
            }
            None => EvaluatorEvent::Notice { message },
        }))
    }

    fn no_workers(&self) -> EvaluatorError {
        match &self.last_end {
            Some((reason, true)) => EvaluatorError::Data { reason: reason.clone() },
            Some((reason, false)) => EvaluatorError::NoWorkers {
                reason: reason.clone(),
                logs: self.logs.clone(),
            },
            None => EvaluatorError::NoWorkers {
                reason: "none was started".to_owned(),
                logs: self.logs.clone(),
            },
        }
    }
}

impl Slot {
    /// Ends the process and changes the state; returns the trial under way.
    fn release(&mut self, state: SlotState) -> Option<u64> {
        if let Some(mut pipe) = self.pipe.take() {
            // The process may have closed its output and run on.
            pipe.kill();
        }
        // Events of the process that are still in the channel are out of date.
        self.generation += 1;
        match std::mem::replace(&mut self.state, state) {
            SlotState::Busy { trial, .. } => Some(trial),
            _ => None,
        }
    }
}

impl Evaluator for WorkerPool {
    fn free_slots(&self) -> usize {
        self.slots.iter().filter(|slot| slot.state == SlotState::Free).count()
    }

    fn submit(&mut self, request: TrialRequest) -> Result<(), EvaluatorError> {
        let trial = request.trial;
        let task = match self.task.request(request) {
            Ok(task) => task,
            Err(reason) => {
                let worker = "in process".to_owned();
                self.found.push_back(EvaluatorEvent::Failed { trial, reason, worker });
                return Ok(());
            }
        };
        let free = self.slots.iter_mut().find(|slot| slot.state == SlotState::Free);
        if let Some((slot, pipe)) = free.and_then(|slot| {
            let pipe = slot.pipe.take()?;
            Some((slot, pipe))
        }) {
            let mut pipe = pipe;
            let id = pipe.request(&task);
            slot.pipe = Some(pipe);
            slot.state = SlotState::Busy { trial, request: id };
            return Ok(());
        }
        // No worker is free: the trial is reported as lost and will be submitted again.
        self.found.push_back(EvaluatorEvent::Lost {
            trial,
            reason: "no worker was free".to_owned(),
        });
        Ok(())
    }

    fn next_event(&mut self, timeout: Duration) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        if let Some(event) = self.found.pop_front() {
            return Ok(Some(event));
        }
        if self.alive() == 0 {
            return Err(self.no_workers());
        }
        self.poll(timeout)
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        // All processes are killed before any is waited for; trials under way are abandoned.
        for slot in &mut self.slots {
            if let Some(pipe) = &mut slot.pipe {
                pipe.kill();
            }
        }
    }
}

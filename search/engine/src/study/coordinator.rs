//! The loop of a study: proposes, hands out, notes down, until the trials are done or someone stops it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mnas_latency::LatencyError;
use mnas_space::SearchSpace;

use super::config::StudyConfig;
use super::folder::{FolderError, StudyFolder};
use super::journal::{Event, Journal, JournalError};
use super::latency::LatencyModel;
use super::proposer::Proposer;
use super::references::choose_references;
use super::state::{StudyState, Trial, TrialKind};
use crate::files::FileError;
use crate::front::pareto_front;
use crate::random::derived_seed;
use crate::worker::{CheckpointRequest, FromWorker, Pool, PoolError, PoolEvent, TrainRequest};

/// Times a training is given to a worker before its trial counts as failed: workers die of causes that pass.
const ATTEMPTS: u32 = 3;

/// Candidates whose weights are kept beside those on the front, best first: the best may break the budget when measured.
const SPARE_WEIGHTS: usize = 3;

/// How often the loop looks at the clock and the cancel flag.
const TICK: Duration = Duration::from_millis(100);

/// Why a study cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal contradicts itself.
    #[error("{}: {problem}; restore the file from a copy, or start a new study", path.display())]
    Contradiction {
        /// The journal.
        path: PathBuf,
        /// What contradicts what came before.
        problem: String,
    },
    /// A worker process.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The images.
    #[error("{reason}")]
    Data {
        /// Why they cannot be loaded, and what to do.
        reason: String,
    },
    /// The images are not those the study began with.
    #[error("the data set changed since the study began: it had {before}, now {now}; restore it, or start a new study")]
    DataChanged {
        /// Description when the study began.
        before: String,
        /// Description now.
        now: String,
    },
    /// A trained network cannot be kept.
    #[error("trial {trial} is trained and cannot be saved: {reason}")]
    Unsaved {
        /// Which.
        trial: u64,
        /// Which file, why, and what to do.
        reason: String,
    },
    /// Every worker died before it was ready.
    #[error("workers die while they start: {reason}; logs are in {}", logs.display())]
    Workers {
        /// Status and last words of the last one.
        reason: String,
        /// Folder of the logs.
        logs: PathBuf,
    },
    /// Latency.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why a study ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All trials are settled.
    Complete,
    /// No further network within the budget was found.
    Exhausted,
    /// The time given was used.
    Time,
    /// Someone stopped it.
    Interrupted,
}

/// What the loop did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Why it ended.
    pub ended: Ended,
    /// Trials settled in this run.
    pub settled: usize,
}

/// What happens, for progress bars and logs.
#[derive(Debug)]
pub enum SearchEvent<'a> {
    /// A trial was given to a worker.
    Started {
        /// Which.
        trial: u64,
    },
    /// A training goes on.
    Progress {
        /// Which.
        trial: u64,
        /// Share done, 0 to 1.
        done: f64,
    },
    /// A trial is settled.
    Settled {
        /// The study so far.
        state: &'a StudyState,
        /// Which.
        trial: u64,
        /// Trials settled so far, earlier runs included.
        settled: usize,
        /// Trials there will be.
        total: usize,
    },
    /// A worker died and is started again.
    WorkerDied {
        /// What it said last.
        reason: &'a str,
    },
}

/// Runs one study.
pub struct Coordinator<'a> {
    /// What is asked for.
    pub config: &'a StudyConfig,
    /// The space.
    pub space: &'a SearchSpace,
    /// Where files lie.
    pub folder: &'a StudyFolder,
    /// Predicted latencies.
    pub latency: &'a LatencyModel,
    /// Classes of the deployed networks.
    pub classes: u32,
    /// No trial is begun after this.
    pub deadline: Option<Instant>,
    /// Set to stop.
    pub cancel: &'a AtomicBool,
}

impl Coordinator<'_> {
    /// Trains references and candidates until there are no more, with the workers of `pool`.
    ///
    /// Every event is in the journal before anything follows from it.
    pub fn run(
        &self,
        journal: &mut Journal,
        state: &mut StudyState,
        pool: &mut Pool,
        observer: &mut dyn FnMut(SearchEvent<'_>),
    ) -> Result<Report, StudyError> {
        let strategy = self.config.strategy.build();
        let proposer = Proposer {
            space: self.space,
            strategy: strategy.as_ref(),
            latency: self.latency,
            config: self.config,
            classes: self.classes,
        };
        let mut run = Run {
            coordinator: self,
            journal,
            state,
            exhausted: false,
            settled: 0,
            queue: VecDeque::new(),
            deaths_at_start: 0,
        };
        run.propose_references()?;
        // What an earlier run left unfinished comes first, and has all its attempts again.
        for trial in run.state.trials.values_mut().filter(|trial| !trial.is_settled()) {
            trial.attempts = 0;
            run.queue.push_back(trial.number);
        }
        loop {
            if self.cancel.load(Ordering::Relaxed) {
                return Ok(Report {
                    ended: Ended::Interrupted,
                    settled: run.settled,
                });
            }
            let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            while !late && pool.has_free() {
                let Some(trial) = run.next_trial(&proposer)? else { break };
                run.start(trial, pool)?;
                observer(SearchEvent::Started { trial });
            }
            let running = run
                .state
                .trials
                .values()
                .any(|trial| !trial.is_settled() && trial.attempts > 0);
            let idle = !running || (late && pool.is_idle());
            if idle && (late || run.nothing_left()) {
                let ended = match (late && !run.is_complete(), run.exhausted) {
                    (true, _) => Ended::Time,
                    (false, true) => Ended::Exhausted,
                    (false, false) => Ended::Complete,
                };
                return Ok(Report {
                    ended,
                    settled: run.settled,
                });
            }
            if let Some(event) = pool.next(TICK) {
                run.hear(event, pool, observer)?;
            }
        }
    }
}

struct Run<'a> {
    coordinator: &'a Coordinator<'a>,
    journal: &'a mut Journal,
    state: &'a mut StudyState,
    /// No further candidate was found.
    exhausted: bool,
    settled: usize,
    /// Trials that were proposed and wait for a worker.
    queue: VecDeque<u64>,
    /// Workers that died while they had no training, since one last answered.
    deaths_at_start: u32,
}

impl Run<'_> {
    fn note(&mut self, event: &Event) -> Result<(), StudyError> {
        self.journal.append(event)?;
        self.state.apply(event).map_err(|problem| StudyError::Contradiction {
            path: self.coordinator.folder.journal(),
            problem,
        })
    }

    fn propose(
        &mut self,
        kind: TrialKind,
        architecture: &mnas_space::Architecture,
        latency_ms: (f64, f64, f64),
        coverage: f64,
    ) -> Result<u64, StudyError> {
        let trial = self.state.trials.len() as u64;
        let (latency_ms, low_ms, high_ms) = latency_ms;
        let seed = derived_seed(self.coordinator.config.seed, "trial", trial);
        let architecture = architecture.to_string();
        self.note(&Event::Proposed {
            trial,
            kind,
            architecture,
            latency_ms,
            low_ms,
            high_ms,
            coverage,
            seed,
        })?;
        Ok(trial)
    }

    /// The references are the first trials; a resumed study may have noted some of them.
    fn propose_references(&mut self) -> Result<(), StudyError> {
        let Coordinator {
            config,
            space,
            latency,
            classes,
            ..
        } = *self.coordinator;
        let mut predict = |architecture: &mnas_space::Architecture| latency.predict(architecture).latency.0;
        let chosen = choose_references(
            space,
            classes,
            config.budget.0,
            config.references.per_network,
            &mut predict,
        );
        let noted = self.state.references().count();
        for point in chosen.into_iter().skip(noted) {
            let prediction = latency.predict(&point.architecture);
            let latency_ms = (prediction.latency.0, prediction.low.0, prediction.high.0);
            self.propose(point.kind, &point.architecture, latency_ms, prediction.coverage)?;
        }
        Ok(())
    }

    /// The next trial for a worker: one that waits, or a new candidate.
    fn next_trial(&mut self, proposer: &Proposer<'_>) -> Result<Option<u64>, StudyError> {
        if let Some(waiting) = self.queue.pop_front() {
            return Ok(Some(waiting));
        }
        let index = self.state.candidates().count();
        if self.exhausted || !proposer.may_propose(self.state, index) {
            return Ok(None);
        }
        let Some(proposal) = proposer.propose(self.state, index) else {
            self.exhausted = true;
            return Ok(None);
        };
        self.propose(
            TrialKind::Candidate,
            &proposal.architecture,
            proposal.latency_ms,
            proposal.coverage,
        )
        .map(Some)
    }

    fn start(&mut self, number: u64, pool: &mut Pool) -> Result<(), StudyError> {
        let trial = &self.state.trials[&number];
        let config = self.coordinator.config;
        let weights = trial.is_candidate().then(|| self.coordinator.folder.weights(number));
        let request = TrainRequest {
            architecture: trial.architecture.to_string(),
            proxy: config.proxy,
            recipe: config.recipe.clone(),
            seed: trial.seed,
            weights: weights.map(absolute),
            checkpoint: Some(CheckpointRequest::of_trial(absolute(
                self.coordinator.folder.checkpoint(number),
            ))),
            validate_every_epoch: false,
        };
        let attempt = trial.attempts + 1;
        self.note(&Event::Started { trial: number, attempt })?;
        pool.assign(number, request);
        Ok(())
    }

    fn hear(
        &mut self,
        event: PoolEvent,
        pool: &mut Pool,
        observer: &mut dyn FnMut(SearchEvent<'_>),
    ) -> Result<(), StudyError> {
        match event {
            PoolEvent::Ready { .. } => self.deaths_at_start = 0,
            PoolEvent::Refused { reason } => return Err(StudyError::Data { reason }),
            PoolEvent::Trial { trial, message } => match message {
                FromWorker::Progress { done, .. } => observer(SearchEvent::Progress { trial, done }),
                FromWorker::Done(result) => {
                    let result = *result;
                    self.settle(&Event::Finished { trial, result }, trial, observer)?;
                    self.prune_weights();
                }
                FromWorker::Failed { reason, .. } => {
                    self.settle(&Event::Failed { trial, reason }, trial, observer)?;
                }
                FromWorker::Unsaved { reason } => return Err(StudyError::Unsaved { trial, reason }),
                _ => {}
            },
            PoolEvent::Loading { .. } => {}
            PoolEvent::Died { worker, trial, reason } => {
                observer(SearchEvent::WorkerDied { reason: &reason });
                self.deaths_at_start += u32::from(trial.is_none());
                if self.deaths_at_start >= ATTEMPTS {
                    return Err(StudyError::Workers {
                        reason,
                        logs: self.coordinator.folder.logs(),
                    });
                }
                if let Some(trial) = trial {
                    if self.state.trials[&trial].attempts >= ATTEMPTS {
                        let reason = format!("its worker died {ATTEMPTS} times, last {reason}");
                        self.settle(&Event::Failed { trial, reason }, trial, observer)?;
                    } else {
                        self.queue.push_front(trial);
                    }
                }
                pool.restart(worker)?;
            }
        }
        Ok(())
    }

    fn settle(
        &mut self,
        event: &Event,
        trial: u64,
        observer: &mut dyn FnMut(SearchEvent<'_>),
    ) -> Result<(), StudyError> {
        self.note(event)?;
        self.settled += 1;
        let settled = self.state.trials.values().filter(|trial| trial.is_settled()).count();
        let total = self.state.references().count() + self.coordinator.config.trials;
        observer(SearchEvent::Settled {
            state: self.state,
            trial,
            settled,
            total,
        });
        Ok(())
    }

    fn nothing_left(&self) -> bool {
        self.queue.is_empty() && (self.exhausted || self.state.candidates().count() >= self.coordinator.config.trials)
    }

    fn is_complete(&self) -> bool {
        self.nothing_left() && self.state.trials.values().all(Trial::is_settled)
    }

    /// Removes the weights of trials that cannot become the best any more.
    fn prune_weights(&self) {
        let trained: Vec<(u64, (f64, f64))> = self
            .state
            .candidates()
            .filter_map(|trial| Some((trial.number, (trial.latency_ms.0, trial.accuracy()?))))
            .collect();
        let points: Vec<(f64, f64)> = trained.iter().map(|(_, point)| *point).collect();
        let mut keep: Vec<u64> = pareto_front(&points)
            .into_iter()
            .map(|index| trained[index].0)
            .collect();
        let mut by_accuracy = trained.clone();
        by_accuracy.sort_by(|one, other| other.1.1.total_cmp(&one.1.1));
        keep.extend(by_accuracy.iter().take(SPARE_WEIGHTS).map(|(number, _)| *number));
        for (number, _) in trained.iter().filter(|(number, _)| !keep.contains(number)) {
            // Already gone is as good as removed.
            let _ = std::fs::remove_file(self.coordinator.folder.weights(*number));
        }
    }
}

/// A worker may run in another folder.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

//! The loop of a study: propose, evaluate, record, until the trials are done or it is stopped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::attempts::{ATTEMPTS, TICK, absolute, lost_too_often};
use super::error::StudyError;
use super::events::{Observer, StopReason, StudyEvent};
use super::journal::Event;
use super::proposer::{Next, Proposer};
use super::record::Study;
use super::retention::{Retention, may_be_best};
use crate::evaluator::{Continuation, Evaluator, EvaluatorEvent, Fidelity, TrialRequest};

/// Limits of one run of a study.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions<'a> {
    /// No trial is begun after this.
    pub deadline: Option<Instant>,
    /// Set to stop the run; trials under way are abandoned and begin again in the next run.
    pub cancel: &'a AtomicBool,
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl Default for RunOptions<'static> {
    /// Neither deadline nor cancellation.
    fn default() -> Self {
        Self {
            deadline: None,
            cancel: &NEVER,
        }
    }
}

impl Study {
    /// Evaluates references and candidates until there are no more, or the options stop it.
    ///
    /// A run that is killed and repeated ends with the same trials: candidates follow from the seed and the results
    /// of earlier trials, never from timing or the number of workers.
    pub fn run(
        &mut self,
        evaluator: &mut dyn Evaluator,
        options: RunOptions<'_>,
        observer: &mut dyn Observer,
    ) -> Result<StopReason, StudyError> {
        let strategy = self.config.strategy.build();
        let problem = Arc::clone(&self.problem);
        let mut proposer = Proposer::new(&problem, strategy.as_ref(), &self.config);
        Run::new(self, evaluator, observer).run(&mut proposer, options)
    }
}

/// One run of a study.
struct Run<'a> {
    study: &'a mut Study,
    evaluator: &'a mut dyn Evaluator,
    observer: &'a mut dyn Observer,
    /// Trials that were proposed and wait for the evaluator.
    queue: VecDeque<u64>,
    /// Trials with the evaluator.
    running: usize,
    /// Trials settled in this turn, to be reported once they are on the disk.
    settled: Vec<u64>,
    retention: Retention,
}

impl<'a> Run<'a> {
    fn new(study: &'a mut Study, evaluator: &'a mut dyn Evaluator, observer: &'a mut dyn Observer) -> Self {
        // Unfinished trials of an earlier run come first.
        let queue = study.state.forget_attempts().into();
        let retention = Retention::of(&study.state, &study.problem);
        Self {
            study,
            evaluator,
            observer,
            queue,
            running: 0,
            settled: Vec::new(),
            retention,
        }
    }

    /// Runs until the study stops.
    fn run(mut self, proposer: &mut Proposer<'_>, options: RunOptions<'_>) -> Result<StopReason, StudyError> {
        let stopped = self.turns(proposer, options);
        // Commits after an error too: results of the same turn are kept.
        let committed = self.study.journal.commit();
        let reason = stopped?;
        committed?;
        Ok(reason)
    }

    /// The loop. Every turn syncs the journal once before it acts on the recorded events.
    fn turns(&mut self, proposer: &mut Proposer<'_>, options: RunOptions<'_>) -> Result<StopReason, StudyError> {
        self.study.propose_references()?;
        let proposed = self
            .study
            .state
            .references()
            .filter(|trial| trial.attempts == 0 && !trial.is_settled());
        for number in proposed.map(|trial| trial.number).collect::<Vec<_>>() {
            if !self.queue.contains(&number) {
                self.queue.push_back(number);
            }
        }
        loop {
            if options.cancel.load(Ordering::Relaxed) {
                return Ok(StopReason::Cancelled);
            }
            let late = options.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let mut starting = Vec::new();
            while !late && starting.len() < self.evaluator.free_slots() {
                let Some(trial) = self.next_trial(proposer)? else { break };
                let attempt = self.study.state.trials()[trial as usize].attempts + 1;
                self.study.record(&Event::Started { trial, attempt })?;
                starting.push(trial);
            }
            self.study.journal.commit()?;
            self.announce_settled(proposer.expected(&self.study.state));
            for trial in starting {
                self.start(trial)?;
            }
            if self.running == 0 {
                if self.queue.is_empty() && proposer.is_done(&self.study.state) {
                    let refusals = proposer.refusals(&self.study.state).cloned();
                    return Ok(refusals.map_or(StopReason::Complete, StopReason::Exhausted));
                }
                if late {
                    return Ok(StopReason::Deadline);
                }
            }
            let mut event = self.evaluator.next_event(TICK)?;
            while let Some(found) = event {
                self.handle(found)?;
                event = self.evaluator.next_event(Duration::ZERO)?;
            }
        }
    }

    /// The next trial to start: one that waits, or a new one.
    fn next_trial(&mut self, proposer: &mut Proposer<'_>) -> Result<Option<u64>, StudyError> {
        if let Some(waiting) = self.queue.pop_front() {
            return Ok(Some(waiting));
        }
        match proposer.next(&self.study.state) {
            Next::Candidate(proposal) => self.study.record_candidate(&proposal).map(Some),
            Next::Promotion(promotion) => self.study.record_promotion(promotion).map(Some),
            Next::Wait => Ok(None),
        }
    }

    fn start(&mut self, number: u64) -> Result<(), StudyError> {
        let folder = &self.study.folder;
        let trials = self.study.state.trials();
        let trial = &trials[number as usize];
        let may_be_continued = trial.fidelity != Fidelity::Full;
        let is_kept = may_be_continued || may_be_best(trial, &self.study.problem);
        let request = TrialRequest {
            trial: number,
            architecture: trial.architecture.clone(),
            fidelity: trial.fidelity,
            start_from: trial.start_from.map(|shorter| Continuation {
                weights: absolute(folder.weights(shorter)),
                fidelity: trials[shorter as usize].fidelity,
            }),
            seed: trial.seed,
            weights: is_kept.then(|| absolute(folder.weights(number))),
            checkpoint: Some(absolute(folder.checkpoint(number))),
        };
        self.observer.on_event(&StudyEvent::Started { trial });
        self.running += 1;
        Ok(self.evaluator.submit(request)?)
    }

    fn handle(&mut self, event: EvaluatorEvent) -> Result<(), StudyError> {
        match event {
            EvaluatorEvent::Progress { trial, done } => {
                self.observer.on_event(&StudyEvent::Progress { trial, done });
                Ok(())
            }
            EvaluatorEvent::Notice { message } => {
                self.observer.on_event(&StudyEvent::Notice { message: &message });
                Ok(())
            }
            EvaluatorEvent::Finished {
                trial,
                evaluation,
                worker,
            } => self.settle(
                trial,
                &Event::Finished {
                    trial,
                    result: evaluation,
                    worker,
                },
            ),
            EvaluatorEvent::Failed { trial, reason, worker } => {
                self.settle(trial, &Event::Failed { trial, reason, worker })
            }
            EvaluatorEvent::Lost { trial, reason } => self.retry(trial, &reason),
        }
    }

    /// Queues a trial whose worker was lost again, or settles it after its last attempt.
    fn retry(&mut self, trial: u64, reason: &str) -> Result<(), StudyError> {
        if self
            .study
            .state
            .trial(trial)
            .is_some_and(|trial| trial.attempts >= ATTEMPTS)
        {
            let reason = lost_too_often(reason);
            let worker = String::new();
            return self.settle(trial, &Event::Failed { trial, reason, worker });
        }
        self.running -= 1;
        self.queue.push_front(trial);
        Ok(())
    }

    fn settle(&mut self, trial: u64, event: &Event) -> Result<(), StudyError> {
        self.study.record(event)?;
        self.running -= 1;
        self.settled.push(trial);
        Ok(())
    }

    /// Reports the trials settled in this turn and removes the weights that no trial needs any more.
    fn announce_settled(&mut self, total: usize) {
        let state = &self.study.state;
        let counts = state.counts();
        for number in std::mem::take(&mut self.settled) {
            let trial = &state.trials()[number as usize];
            for superseded in self.retention.insert(trial, &self.study.problem) {
                // A missing file needs no removal.
                let _ = std::fs::remove_file(self.study.folder.weights(superseded));
            }
            self.observer.on_event(&StudyEvent::Settled { trial, counts, total });
        }
    }
}

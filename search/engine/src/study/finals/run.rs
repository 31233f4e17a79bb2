//! The loop of final trainings.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mnas_space::random::derived_seed;

use super::super::attempts::{ATTEMPTS, TICK, absolute, lost_too_often};
use super::super::error::StudyError;
use super::super::events::StopReason;
use super::super::journal::Event;
use super::super::record::Study;
use super::choice::Choice;
use super::state::{FinalEvent, Finalist};
use crate::evaluator::{Evaluator, EvaluatorEvent, Fidelity, TrialRequest};

/// An event of final trainings under way.
#[derive(Debug)]
pub enum FinalsEvent<'a> {
    /// A training was given to a worker.
    Started {
        /// The finalist.
        finalist: &'a Finalist,
    },
    /// A share of a training is done.
    Progress {
        /// The finalist's number.
        number: u64,
        /// Share done, 0 to 1.
        done: f64,
    },
    /// A training is settled and recorded on the disk.
    Settled {
        /// The finalist.
        finalist: &'a Finalist,
    },
    /// Message for the user about a worker.
    Notice {
        /// Message of one line.
        message: &'a str,
    },
}

impl Study {
    /// Trains the chosen networks that are not yet trained in full, in their order, and records the results. `evaluator` applies
    /// the final recipe; `cancel` stops the run.
    ///
    /// A run that is killed and repeated continues with the trainings that are left.
    pub fn train_finalists(
        &mut self,
        chosen: &[Choice],
        evaluator: &mut dyn Evaluator,
        cancel: &AtomicBool,
        observer: &mut dyn FnMut(&FinalsEvent<'_>),
    ) -> Result<StopReason, StudyError> {
        FinalRun::new(self, evaluator, observer).run(chosen, cancel)
    }
}

/// One run of final trainings.
struct FinalRun<'a> {
    study: &'a mut Study,
    evaluator: &'a mut dyn Evaluator,
    observer: &'a mut dyn FnMut(&FinalsEvent<'_>),
    queue: VecDeque<u64>,
    running: usize,
}

impl<'a> FinalRun<'a> {
    fn new(
        study: &'a mut Study,
        evaluator: &'a mut dyn Evaluator,
        observer: &'a mut dyn FnMut(&FinalsEvent<'_>),
    ) -> Self {
        Self {
            study,
            evaluator,
            observer,
            queue: VecDeque::new(),
            running: 0,
        }
    }

    /// Trains the chosen networks that are not settled, in the order of the choice.
    fn run(mut self, chosen: &[Choice], cancel: &AtomicBool) -> Result<StopReason, StudyError> {
        self.choose(chosen)?;
        let finals = self.study.state.finals();
        self.queue = finals.unsettled(chosen).map(|finalist| finalist.number).collect();
        let stopped = self.turns(cancel);
        // Commits after an error too: results of the same turn are kept.
        let committed = self.study.journal.commit();
        let reason = stopped?;
        committed?;
        Ok(reason)
    }

    /// Records the choices that are new.
    fn choose(&mut self, chosen: &[Choice]) -> Result<(), StudyError> {
        self.study.state.finals_mut().forget_attempts();
        for choice in chosen {
            let finals = self.study.state.finals();
            if finals.of_trial(choice.trial).is_none() {
                let event = FinalEvent::Chosen {
                    number: finals.all().len() as u64,
                    trial: choice.trial,
                    role: choice.role,
                    seed: derived_seed(self.study.config.seed, "final", choice.trial),
                };
                self.study.record(&Event::Final(event))?;
            }
        }
        Ok(self.study.journal.commit()?)
    }

    fn turns(&mut self, cancel: &AtomicBool) -> Result<StopReason, StudyError> {
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Ok(StopReason::Cancelled);
            }
            self.start_waiting()?;
            if self.running == 0 && self.queue.is_empty() {
                return Ok(StopReason::Complete);
            }
            let mut event = self.evaluator.next_event(TICK)?;
            while let Some(found) = event {
                self.handle(found)?;
                event = self.evaluator.next_event(Duration::ZERO)?;
            }
        }
    }

    fn start_waiting(&mut self) -> Result<(), StudyError> {
        while self.evaluator.free_slots() > 0 {
            let Some(number) = self.queue.pop_front() else { break };
            let attempt = self.finalist(number).attempts + 1;
            self.study
                .record(&Event::Final(FinalEvent::Started { number, attempt }))?;
            self.study.journal.commit()?;
            let folder = &self.study.folder;
            let finalist = &self.study.state.finals().all()[number as usize];
            let request = TrialRequest {
                trial: number,
                architecture: self.study.state.trials()[finalist.trial as usize].architecture.clone(),
                fidelity: Fidelity::Full,
                start_from: None,
                seed: finalist.seed,
                weights: Some(absolute(folder.finalist_weights(finalist.trial))),
                checkpoint: Some(absolute(folder.finalist_checkpoint(finalist.trial))),
            };
            (self.observer)(&FinalsEvent::Started { finalist });
            self.running += 1;
            self.evaluator.submit(request)?;
        }
        Ok(())
    }

    fn finalist(&self, number: u64) -> &Finalist {
        &self.study.state.finals().all()[number as usize]
    }

    fn handle(&mut self, event: EvaluatorEvent) -> Result<(), StudyError> {
        match event {
            EvaluatorEvent::Progress { trial: number, done } => {
                (self.observer)(&FinalsEvent::Progress { number, done });
                Ok(())
            }
            EvaluatorEvent::Notice { message } => {
                (self.observer)(&FinalsEvent::Notice { message: &message });
                Ok(())
            }
            EvaluatorEvent::Finished {
                trial: number,
                evaluation: result,
                worker,
            } => self.settle(number, FinalEvent::Finished { number, result, worker }),
            EvaluatorEvent::Failed {
                trial: number,
                reason,
                worker,
            } => self.settle(number, FinalEvent::Failed { number, reason, worker }),
            EvaluatorEvent::Lost { trial: number, reason } => self.retry(number, &reason),
        }
    }

    /// Queues a training whose worker was lost again, or settles it after its last attempt.
    fn retry(&mut self, number: u64, reason: &str) -> Result<(), StudyError> {
        if self.finalist(number).attempts >= ATTEMPTS {
            let reason = lost_too_often(reason);
            let worker = String::new();
            return self.settle(number, FinalEvent::Failed { number, reason, worker });
        }
        self.running -= 1;
        self.queue.push_front(number);
        Ok(())
    }

    fn settle(&mut self, number: u64, event: FinalEvent) -> Result<(), StudyError> {
        self.study.record(&Event::Final(event))?;
        self.study.journal.commit()?;
        self.running -= 1;
        let finalist = &self.study.state.finals().all()[number as usize];
        (self.observer)(&FinalsEvent::Settled { finalist });
        Ok(())
    }
}

//! A function as an evaluator.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::contract::{Evaluation, Evaluator, EvaluatorEvent, TrialRequest};
use super::error::EvaluatorError;

/// Trials accepted before their events are fetched.
const SLOTS: usize = 1024;

/// Evaluator that calls a function of the trial in this process: the accuracy in percent, or the reason of a failure.
pub struct FunctionEvaluator<F> {
    function: F,
    events: VecDeque<EvaluatorEvent>,
}

impl<F: FnMut(&TrialRequest) -> Result<f64, String>> FunctionEvaluator<F> {
    /// An evaluator that calls `function` when a trial is submitted.
    pub fn new(function: F) -> Self {
        Self {
            function,
            events: VecDeque::new(),
        }
    }
}

impl<F: FnMut(&TrialRequest) -> Result<f64, String>> Evaluator for FunctionEvaluator<F> {
    fn free_slots(&self) -> usize {
        SLOTS.saturating_sub(self.events.len())
    }

    fn submit(&mut self, request: TrialRequest) -> Result<(), EvaluatorError> {
        let started = Instant::now();
        let (trial, worker) = (request.trial, "in process".to_owned());
        self.events.push_back(match (self.function)(&request) {
            Ok(accuracy) => EvaluatorEvent::Finished {
                trial,
                evaluation: Evaluation {
                    accuracy,
                    seconds: started.elapsed().as_secs_f64(),
                    training: None,
                },
                worker,
            },
            Err(reason) => EvaluatorEvent::Failed { trial, reason, worker },
        });
        Ok(())
    }

    fn next_event(&mut self, _timeout: Duration) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        Ok(self.events.pop_front())
    }
}

impl<F> std::fmt::Debug for FunctionEvaluator<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FunctionEvaluator")
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

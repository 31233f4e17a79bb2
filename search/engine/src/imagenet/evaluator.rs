//! The predictor as an evaluator.

use std::time::Duration;

use super::predictor::Predictor;
use crate::evaluator::{Evaluator, EvaluatorError, EvaluatorEvent, FunctionEvaluator, TrialRequest};

type Function = Box<dyn FnMut(&TrialRequest) -> Result<f64, String>>;

/// Evaluates trials by their predicted ImageNet top-1, in this process. A trial out of the predictor's range fails with the
/// reason.
#[derive(Debug)]
pub struct ImagenetEvaluator {
    inner: FunctionEvaluator<Function>,
}

impl ImagenetEvaluator {
    /// Evaluator with these coefficients.
    pub fn new(predictor: Predictor) -> Self {
        let function = move |request: &TrialRequest| {
            let predicted = predictor.predict(&request.architecture);
            predicted
                .map(|predicted| predicted.top1)
                .map_err(|error| error.to_string())
        };
        Self {
            inner: FunctionEvaluator::new(Box::new(function)),
        }
    }
}

impl Default for ImagenetEvaluator {
    /// Evaluator with the compiled-in coefficients.
    fn default() -> Self {
        Self::new(Predictor::embedded().clone())
    }
}

impl Evaluator for ImagenetEvaluator {
    fn free_slots(&self) -> usize {
        self.inner.free_slots()
    }

    fn submit(&mut self, request: TrialRequest) -> Result<(), EvaluatorError> {
        self.inner.submit(request)
    }

    fn next_event(&mut self, timeout: Duration) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        self.inner.next_event(timeout)
    }
}

#[cfg(test)]
mod tests {
    use mnas_space::Reference;

    use super::*;
    use crate::evaluator::Fidelity;

    fn request(trial: u64, resolution: u32) -> TrialRequest {
        let reference = Reference::named("mobilenet-v2").unwrap();
        TrialRequest {
            trial,
            architecture: reference.architecture(1.0, resolution, 10).unwrap(),
            fidelity: Fidelity::Full,
            start_from: None,
            seed: 0,
            weights: None,
            checkpoint: None,
        }
    }

    #[test]
    fn trials_finish_with_the_prediction_or_fail_with_the_reason() {
        let mut evaluator = ImagenetEvaluator::default();
        assert!(evaluator.free_slots() > 0);
        evaluator.submit(request(0, 224)).unwrap();
        evaluator.submit(request(1, 32)).unwrap();
        let expected = Predictor::embedded()
            .predict(&request(0, 224).architecture)
            .unwrap()
            .top1;
        match evaluator.next_event(Duration::ZERO).unwrap() {
            Some(EvaluatorEvent::Finished {
                trial: 0, evaluation, ..
            }) => assert_eq!(evaluation.accuracy, expected),
            other => panic!("{other:?}"),
        }
        match evaluator.next_event(Duration::ZERO).unwrap() {
            Some(EvaluatorEvent::Failed { trial: 1, reason, .. }) => {
                assert!(reason.contains("input's side"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(evaluator.next_event(Duration::ZERO).unwrap(), None);
    }
}

//! The regression of accuracies on one kind of input.

use crate::regression::{Encoder, GaussianProcess, Hyperparameters, Sample};

/// Steps of the search for hyper-parameters: first from the centre of their priors, later from the previous values.
const FIRST_STEPS: usize = 30;
const STEPS: usize = 5;

/// A Gaussian process whose hyper-parameters are found now and then, and whose observations are given with each use.
#[derive(Debug, Default)]
pub(super) struct Regressor {
    parameters: Option<Hyperparameters>,
}

impl Regressor {
    /// Finds hyper-parameters again.
    pub fn tune(&mut self, encoder: &Encoder, samples: &[(&Sample, f64)]) {
        let steps = if self.parameters.is_some() { STEPS } else { FIRST_STEPS };
        self.parameters = Some(GaussianProcess::tune(encoder, samples, self.parameters.as_ref(), steps));
    }

    /// The process given observations and, as believed, the pending networks; `None` before hyper-parameters are found.
    pub fn process(
        &self,
        encoder: &Encoder,
        samples: &[(&Sample, f64)],
        pending: &[&Sample],
    ) -> Option<GaussianProcess> {
        let process = GaussianProcess::condition(encoder, self.parameters.clone()?, samples)?;
        Some(process.believing(pending))
    }
}

//! Training of a network by a recipe.
//!
//! [`train`] runs a [`session`] from its start, or from a checkpoint, to its end; [`TrainPlan`] is its input.

mod plan;
mod session;

use std::ops::ControlFlow;

use crate::error::TrainError;
use crate::evaluation::check_labels;
use crate::network::Network;
pub use plan::{Progress, TrainPlan, Trained};
use session::Session;

/// Trains `network`; `observer` receives every step and every epoch, and may stop the training.
///
/// A training whose checkpoint exists is resumed from it with the same result as without an interruption, on a CPU
/// to the last bit. With an average of the weights, the averaged weights are validated, and `network` holds them at the end.
pub fn train(
    network: &Network,
    plan: &TrainPlan<'_>,
    observer: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Trained, TrainError> {
    check_labels(network, plan.train)?;
    check_labels(network, plan.val)?;
    let mut session = Session::start(network, plan)?;
    if session.epochs_done() > 0 {
        // A stop requested here takes effect at the first step.
        let _ = observer(Progress::Resumed(session.reports()));
    }
    while session.epochs_done() < plan.recipe.epochs {
        session.epoch(observer)?;
    }
    session.finish()
}

#[cfg(test)]
mod tests;

//! Surroundings of a request: its progress lines and its cancellation.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mnas_engine::worker::FromWorker;

use super::cancel::Cancellation;
use crate::data::Watch;

/// Shortest time between two progress lines of a request.
pub(super) const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// The request that is being handled.
pub(super) struct Context<'a> {
    /// Sends a progress line.
    pub report: &'a (dyn Fn(&FromWorker) + Sync),
    pub cancellation: &'a Cancellation,
    /// Arrival number of the request.
    pub number: u64,
}

impl Context<'_> {
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancellation.concerns(self.number)
    }

    /// Returns `Break` once the request is cancelled.
    pub(super) fn proceed(&self) -> ControlFlow<()> {
        if self.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Reports images that were skipped in a batch, and stops once the request is cancelled.
    pub(super) fn after_batch(&self, skipped: &[String]) -> ControlFlow<()> {
        for error in skipped {
            (self.report)(&FromWorker::Warning {
                message: format!("skipped: {error}"),
            });
        }
        self.proceed()
    }

    /// Runs `load` with an observer that sends progress lines and stops loading when the request is cancelled.
    pub(super) fn watch<T>(&self, load: impl FnOnce(Watch<'_>) -> T) -> T {
        let reported = Mutex::new(Instant::now());
        let progress = |done: usize, total: usize| {
            let mut reported = reported.lock().unwrap_or_else(PoisonError::into_inner);
            if reported.elapsed() > PROGRESS_EVERY {
                *reported = Instant::now();
                (self.report)(&FromWorker::Loading { done, total });
            }
        };
        load(Watch {
            progress: &progress,
            cancel: &|| self.is_cancelled(),
        })
    }
}

//! Cancellation of requests in the order of their arrival.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of requests that arrived and that were cancelled, shared by the thread that reads requests and the one that handles them.
///
/// A cancellation concerns the requests that arrived before it, also those that are not handled yet, and no later one.
#[derive(Debug, Clone, Default)]
pub(super) struct Cancellation {
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    arrived: AtomicU64,
    /// Arrival number of the last cancelled request.
    cancelled: AtomicU64,
}

impl Cancellation {
    /// Records the arrival of a request; cancels those before it where it is a cancellation.
    pub(super) fn arrive(&self, is_cancellation: bool) {
        let number = self.counters.arrived.fetch_add(1, Ordering::SeqCst) + 1;
        if is_cancellation {
            self.counters.cancelled.store(number, Ordering::SeqCst);
        }
    }

    /// Returns true if the request that arrived as `number`, from 1, is cancelled.
    pub(super) fn concerns(&self, number: u64) -> bool {
        self.counters.cancelled.load(Ordering::SeqCst) >= number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_requests_are_cancelled_and_later_ones_are_not() {
        let cancellation = Cancellation::default();
        cancellation.arrive(false);
        cancellation.arrive(false);
        assert!(!cancellation.concerns(1));
        cancellation.arrive(true);
        cancellation.arrive(false);
        let found: Vec<bool> = (1..=4).map(|number| cancellation.concerns(number)).collect();
        assert_eq!(found, [true, true, true, false]);
    }
}

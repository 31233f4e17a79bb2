//! Events of a running study, for progress displays and logs; and the reasons of its end.

use super::proposer::Refusals;
use super::state::Counts;
use super::trial::Trial;

/// An event of a running study.
#[derive(Debug)]
pub enum StudyEvent<'a> {
    /// A trial was given to the evaluator.
    Started {
        /// The trial.
        trial: &'a Trial,
    },
    /// A share of a trial is done.
    Progress {
        /// The trial's number.
        trial: u64,
        /// Share done, 0 to 1.
        done: f64,
    },
    /// A trial is settled and recorded on the disk.
    Settled {
        /// The trial.
        trial: &'a Trial,
        /// Numbers of trials so far, earlier sessions included.
        counts: Counts,
        /// Number of trials in all.
        total: usize,
    },
    /// Message for the user about a worker.
    Notice {
        /// Message of one line.
        message: &'a str,
    },
}

/// Receives the events of a running study.
pub trait Observer {
    /// Called for every event, in order.
    fn on_event(&mut self, event: &StudyEvent<'_>);
}

impl<F: FnMut(&StudyEvent<'_>)> Observer for F {
    fn on_event(&mut self, event: &StudyEvent<'_>) {
        self(event);
    }
}

/// The reason why a study stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// All trials are settled.
    Complete,
    /// No further network that keeps the constraints was found.
    Exhausted(Refusals),
    /// The deadline passed.
    Deadline,
    /// The cancel flag was set.
    Cancelled,
}

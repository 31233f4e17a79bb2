//! Attempts at an evaluation, the same for trials and for final trainings.

use std::path::PathBuf;
use std::time::Duration;

/// Attempts at an evaluation before it counts as failed: the causes of lost workers are often transient.
pub(super) const ATTEMPTS: u32 = 3;

/// Longest wait for an event before the clock and the cancel flag are read again.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// Reason of an evaluation that failed because its worker was lost in every attempt, the last time for `reason`.
pub(super) fn lost_too_often(reason: &str) -> String {
    format!("its worker was lost {ATTEMPTS} times, last {reason}")
}

/// Absolute form of a path for a worker, which may run in another folder.
pub(super) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

//! Policy for restarting a lost process.

use std::time::Duration;

/// Policy for restarts: growing pauses between a limited number of consecutive attempts. It holds settings only; it neither sleeps nor
/// counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconnectPolicy {
    /// Pause after the first failure; it doubles with every further failure.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// Number of consecutive failures after which no further attempt is made.
    pub attempts: u32,
}

impl Default for ReconnectPolicy {
    /// Pauses from half a second, doubling up to 30 s; eight attempts, about a minute and a half in total.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            attempts: 8,
        }
    }
}

impl ReconnectPolicy {
    /// Pause before the next attempt after `failures` consecutive failures; `None` if there is no further attempt.
    pub fn pause(&self, failures: u32) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(30);
        Some(self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause))
    }
}

/// Counter of the consecutive failures of one process under a [`ReconnectPolicy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnection {
    policy: ReconnectPolicy,
    failures: u32,
}

impl Reconnection {
    /// Creates a counter without failures.
    pub fn new(policy: ReconnectPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// Counts a failure; returns the pause before the next attempt, or `None` if there is no further attempt.
    pub fn fail(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        self.policy.pause(self.failures)
    }

    /// Resets the counter after a success.
    pub fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Number of failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit_and_start_again_after_a_success() {
        let policy = ReconnectPolicy::default();
        let mut process = Reconnection::new(policy);
        let pauses: Vec<Option<f64>> = (0..9)
            .map(|_| process.fail().map(|pause| pause.as_secs_f64()))
            .collect();
        let expected = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0].map(Some);
        assert_eq!(pauses[..7], expected);
        assert_eq!(pauses[7..], [None, None]);
        assert_eq!(process.failures(), 9);
        process.succeed();
        assert_eq!(process.fail(), Some(policy.first_pause));
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let policy = ReconnectPolicy {
            attempts: u32::MAX,
            ..ReconnectPolicy::default()
        };
        assert_eq!(policy.pause(u32::MAX - 1), Some(policy.longest_pause));
        assert_eq!(policy.pause(u32::MAX), None);
        assert_eq!(policy.pause(0), Some(policy.first_pause));
    }
}

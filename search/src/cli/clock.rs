//! Estimates of the time that is left.

use std::time::{Duration, Instant};

/// Estimate of the time that is left, from the share done since the first call: work that is resumed begins with a share.
#[derive(Debug, Default)]
pub struct Clock {
    begin: Option<(f64, Instant)>,
}

impl Clock {
    /// The time left in words, such as `2m 10s`, or `unknown time`, when a share of the work is done, 0 to 1.
    pub fn left(&mut self, done: f64) -> String {
        time_in_words(self.estimate(done))
    }

    /// The time left when a share of the work is done, 0 to 1; `None` before anything was gained.
    pub fn estimate(&mut self, done: f64) -> Option<Duration> {
        let (start, begin) = *self.begin.get_or_insert((done, Instant::now()));
        let gained = done - start;
        let seconds = begin.elapsed().as_secs_f64() / gained * (1.0 - done).max(0.0);
        (gained > 0.0).then(|| Duration::from_secs(seconds.round() as u64))
    }
}

/// A time such as `2m 10s`, or `unknown time`.
pub fn time_in_words(time: Option<Duration>) -> String {
    time.map_or_else(
        || "unknown time".to_owned(),
        |time| humantime::format_duration(time).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_from_the_share_gained() {
        let mut clock = Clock::default();
        assert_eq!(clock.left(0.5), "unknown time");
        clock.begin = Some((0.5, Instant::now().checked_sub(Duration::from_secs(100)).unwrap()));
        // A quarter took 100 s, and as much is left.
        assert_eq!(clock.left(0.75), "1m 40s");
        assert_eq!(clock.left(1.0), "0s");
    }
}

//! Processor time of the running thread.

use std::time::Instant;

/// Timer of the thread's processor time, where the system reports it; else of wall time.
#[derive(Debug)]
pub(super) struct CpuTimer {
    cpu: Option<f64>,
    wall: Instant,
}

impl CpuTimer {
    pub(super) fn start() -> Self {
        Self {
            cpu: thread_seconds(),
            wall: Instant::now(),
        }
    }

    /// Seconds since the start.
    pub(super) fn seconds(&self) -> f64 {
        match (self.cpu, thread_seconds()) {
            (Some(before), Some(now)) => now - before,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

/// Processor time of this thread in seconds: the first field of its `schedstat`, in nanoseconds.
fn thread_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn sleeping_costs_no_processor_time() {
        let timer = CpuTimer::start();
        std::thread::sleep(Duration::from_millis(200));
        assert!(timer.seconds() < 0.1, "{}", timer.seconds());
    }
}

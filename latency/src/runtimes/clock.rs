//! Stopwatch that excludes the time in which the thread waits for a processor.

use std::time::Instant;

use crate::duration::Milliseconds;

/// Running stopwatch for the work of the current thread.
///
/// On a busy machine, the scheduler preempts a thread for milliseconds at a time, which is unrelated to the latency of the
/// network. Linux counts this waiting time exactly for every thread, and the stopwatch subtracts it. On other systems it
/// measures wall time. For runtimes with several threads, only the waiting time of the calling thread is subtracted.
pub struct Stopwatch {
    waited_ns: Option<u64>,
    start: Instant,
}

impl Stopwatch {
    /// Starts a stopwatch.
    pub fn start() -> Self {
        let waited_ns = waited_ns();
        Self {
            waited_ns,
            start: Instant::now(),
        }
    }

    /// Returns the time that the thread has run since the start.
    pub fn stop(self) -> Milliseconds {
        let wall_ms = self.start.elapsed().as_secs_f64() * 1000.0;
        let waited_ms = match (self.waited_ns, waited_ns()) {
            (Some(before), Some(after)) => after.saturating_sub(before) as f64 / 1e6,
            _ => 0.0,
        };
        // The waiting time can include waiting just outside the timed part; the wall time is then the better value.
        Milliseconds(if waited_ms < wall_ms {
            wall_ms - waited_ms
        } else {
            wall_ms
        })
    }
}

/// Nanoseconds for which this thread has waited for a processor since its start.
#[cfg(target_os = "linux")]
fn waited_ns() -> Option<u64> {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    // The path refers to the thread that opens it, so every thread opens its own file.
    thread_local!(static SCHEDSTAT: Option<File> = File::open("/proc/thread-self/schedstat").ok());
    SCHEDSTAT.with(|file| {
        let mut buffer = [0; 80];
        let length = file.as_ref()?.read_at(&mut buffer, 0).ok()?;
        // Time on a processor, time waiting for one, number of time slices.
        std::str::from_utf8(&buffer[..length])
            .ok()?
            .split_ascii_whitespace()
            .nth(1)?
            .parse()
            .ok()
    })
}

#[cfg(not(target_os = "linux"))]
fn waited_ns() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_timed() {
        let watch = Stopwatch::start();
        let sum: f64 = (0..200_000).map(|i| std::hint::black_box(f64::from(i)).sqrt()).sum();
        let ms = watch.stop().0;
        assert!(std::hint::black_box(sum) > 0.0 && ms > 0.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn waiting_is_not() {
        // More busy threads than processors: all threads wait, and no stopwatch may include the waiting.
        let threads = 3 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let work = || {
            let (watch, wall) = (Stopwatch::start(), Instant::now());
            let mut sum = 0.0;
            while wall.elapsed().as_millis() < 60 {
                sum += std::hint::black_box(1.5_f64).sqrt();
            }
            std::hint::black_box(sum);
            (watch.stop().0, wall.elapsed().as_secs_f64() * 1000.0)
        };
        let timed = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        let (on_processor, wall) = timed
            .iter()
            .fold((0.0, 0.0), |sum, (ms, wall)| (sum.0 + ms, sum.1 + wall));
        if waited_ns().is_some() {
            assert!(on_processor < 0.7 * wall, "{on_processor} of {wall}");
        }
    }
}

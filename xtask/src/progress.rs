//! Progress line on standard error; standard output is reserved for the command that runs after set-up.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Progress of a step that processes a known number of bytes.
pub struct Progress {
    label: String,
    total_bytes: u64,
    started: Instant,
    drawn: Instant,
    terminal: bool,
}

impl Progress {
    /// Starts a step.
    pub fn start(label: impl Into<String>, total_bytes: u64) -> Self {
        let now = Instant::now();
        let progress = Self {
            label: label.into(),
            total_bytes,
            started: now,
            drawn: now,
            terminal: std::io::stderr().is_terminal(),
        };
        if progress.terminal {
            progress.draw(0);
        }
        progress
    }

    /// Shows the progress: redrawn in place on a terminal, a line every few seconds in a log.
    pub fn update(&mut self, done_bytes: u64) {
        let pause = if self.terminal {
            Duration::from_millis(150)
        } else {
            Duration::from_secs(5)
        };
        if self.drawn.elapsed() >= pause {
            self.drawn = Instant::now();
            self.draw(done_bytes);
        }
    }

    /// Finishes the step and prints its size and duration.
    pub fn finish(self) {
        let start = if self.terminal { "\r\x1b[2K" } else { "" };
        let seconds = self.started.elapsed().as_secs_f64();
        eprintln!(
            "{start}  {:<36} {:>8.1} MB  {seconds:.1} s",
            self.label,
            megabytes(self.total_bytes)
        );
    }

    /// Ends a failed step and moves the cursor to a new line.
    pub fn abandon(self) {
        if self.terminal {
            eprintln!();
        }
    }

    fn draw(&self, done_bytes: u64) {
        let line = line(
            &self.label,
            done_bytes.min(self.total_bytes),
            self.total_bytes,
            self.started.elapsed(),
        );
        if self.terminal {
            eprint!("\r\x1b[2K{line}");
            // Failing to write a progress line is not an error.
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }
}

/// Converts bytes to megabytes of 10^6 bytes, the usual unit of download sizes.
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn line(label: &str, done_bytes: u64, total_bytes: u64, elapsed: Duration) -> String {
    let (done, total, seconds) = (megabytes(done_bytes), megabytes(total_bytes), elapsed.as_secs_f64());
    let line = format!("  {label:<36} {done:>8.1} of {total:.1} MB");
    if done_bytes < 500_000 || seconds <= 0.5 {
        return line;
    }
    let rate = done / seconds;
    let (percent, left) = (100.0 * done / total, (total - done) / rate);
    format!("{line}, {percent:.0} %, {rate:.1} MB/s, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_rate_and_time_left() {
        let line = line("download torch", 100_000_000, 300_000_000, Duration::from_secs(10));
        assert_eq!(
            line,
            "  download torch                          100.0 of 300.0 MB, 33 %, 10.0 MB/s, 20 s left"
        );
    }

    #[test]
    fn nothing_is_guessed_before_the_first_bytes() {
        assert!(!line("download torch", 4_000, 300_000_000, Duration::from_secs(9)).contains("left"));
    }
}

//! Output to the user: stdout carries the result, stderr progress, status and logs.
//!
//! On a terminal, progress is drawn as bars that move in place and everything else is printed above them. Elsewhere, as in
//! the log of a continuous-integration job, each bar prints a plain line when it starts, about every ten seconds while it
//! moves, and when it ends.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use serde::Serialize;

use super::progress::{Progress, SHARE_STEPS};
use super::table::TableOptions;

/// Owner of both streams; clones share them.
#[derive(Clone)]
pub struct Printer {
    shared: Arc<Shared>,
}

struct Shared {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    bars: MultiProgress,
    quiet: bool,
    err_is_terminal: bool,
    table: TableOptions,
}

impl Printer {
    /// A printer on this process's stdout and stderr. `quiet` leaves only results, warnings and errors.
    ///
    /// Colour is used on a terminal unless the variable `NO_COLOR` is set and not empty.
    pub fn new(quiet: bool) -> Self {
        let err_is_terminal = io::stderr().is_terminal();
        let out_is_terminal = io::stdout().is_terminal();
        let color = out_is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = if out_is_terminal {
            comfy_table::Table::new().width()
        } else {
            None
        };
        let target = if err_is_terminal && !quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self::with(
            Box::new(io::stdout()),
            Box::new(io::stderr()),
            quiet,
            target,
            err_is_terminal,
            TableOptions { width, color },
        )
    }

    /// A printer without a terminal that keeps what it prints: for tests.
    pub fn captured(quiet: bool) -> (Self, Captured) {
        let captured = Captured::default();
        let (out, err) = (Buffer(Arc::clone(&captured.out)), Buffer(Arc::clone(&captured.err)));
        let target = ProgressDrawTarget::hidden();
        (
            Self::with(
                Box::new(out),
                Box::new(err),
                quiet,
                target,
                false,
                TableOptions::default(),
            ),
            captured,
        )
    }

    fn with(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        quiet: bool,
        target: ProgressDrawTarget,
        err_is_terminal: bool,
        table: TableOptions,
    ) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        let shared = Shared {
            out: Mutex::new(out),
            err: Mutex::new(err),
            bars,
            quiet,
            err_is_terminal,
            table,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Options of tables for stdout: the terminal's width and the use of colour.
    pub fn table_options(&self) -> TableOptions {
        self.shared.table
    }

    /// Prints a result to stdout, with a newline at its end. Errors (a closed pipe, a full disk) are returned to the caller.
    pub fn result(&self, text: &str) -> io::Result<()> {
        self.shared.bars.suspend(|| {
            let mut out = lock(&self.shared.out);
            out.write_all(text.as_bytes())?;
            if !text.ends_with('\n') {
                out.write_all(b"\n")?;
            }
            out.flush()
        })
    }

    /// Prints a result to stdout as one indented JSON document.
    pub fn json<T: Serialize>(&self, value: &T) -> io::Result<()> {
        self.result(&serde_json::to_string_pretty(value).map_err(io::Error::other)?)
    }

    /// Prints a line of progress on stderr; prints nothing when quiet.
    pub fn status(&self, text: &str) {
        if !self.shared.quiet {
            self.say(text);
        }
    }

    /// Warns on stderr, also when quiet.
    pub fn warning(&self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    /// Prints an error, already rendered, on stderr, also when quiet.
    pub fn error(&self, rendered: &str) {
        self.say(rendered);
    }

    /// Starts a progress towards `total` steps (0 if that is not known), such as `("building table", 240)`.
    pub fn progress(&self, what: &str, total: u64) -> Progress {
        Progress::start(self, what, total, false)
    }

    /// Starts a progress that is set in shares of the whole by [`Progress::set_share`], and shown in percent; its message contains
    /// the time left.
    pub fn share(&self, what: &str) -> Progress {
        Progress::start(self, what, SHARE_STEPS, true)
    }

    /// A new bar at the bottom of the terminal; `None` where stderr is none, or quiet.
    pub(super) fn bar(&self, total: u64) -> Option<ProgressBar> {
        (self.shared.err_is_terminal && !self.shared.quiet).then(|| {
            self.shared.bars.add(if total > 0 {
                ProgressBar::new(total)
            } else {
                ProgressBar::new_spinner()
            })
        })
    }

    /// A writer for log lines that keeps them above the bars, for `tracing_subscriber`'s `with_writer(move || printer.log_writer())`.
    pub fn log_writer(&self) -> LogWriter {
        LogWriter { printer: self.clone() }
    }

    /// Writes a line to stderr; errors of stderr itself cannot be reported.
    fn say(&self, text: &str) {
        let mut line = text.trim_end_matches('\n').to_owned();
        line.push('\n');
        let _ = self.write_err(line.as_bytes());
    }

    fn write_err(&self, bytes: &[u8]) -> io::Result<()> {
        self.shared.bars.suspend(|| {
            let mut err = lock(&self.shared.err);
            err.write_all(bytes)?;
            err.flush()
        })
    }
}

impl std::fmt::Debug for Printer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Printer")
            .field("quiet", &self.shared.quiet)
            .finish_non_exhaustive()
    }
}

/// Locks a mutex even if a panicking thread has poisoned it, so that no output is lost.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes log lines to stderr above the bars.
#[derive(Debug, Clone)]
pub struct LogWriter {
    printer: Printer,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.printer.write_err(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Output of a captured printer.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
}

impl Captured {
    /// Everything printed to stdout so far.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&lock(&self.out)).into_owned()
    }

    /// Everything printed to stderr so far.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&lock(&self.err)).into_owned()
    }
}

struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_talk_go_to_different_streams() -> io::Result<()> {
        let (printer, captured) = Printer::captured(false);
        printer.status("reading data");
        printer.json(&serde_json::json!({ "trials": 3 }))?;
        printer.warning("two images skipped\n");
        printer.log_writer().write_all(b"a log line\n")?;
        assert_eq!(captured.out(), "{\n  \"trials\": 3\n}\n");
        assert_eq!(
            captured.err(),
            "reading data\nwarning: two images skipped\na log line\n"
        );
        Ok(())
    }

    #[test]
    fn quiet_keeps_results_warnings_and_errors() -> io::Result<()> {
        let (printer, captured) = Printer::captured(true);
        printer.status("reading data");
        let progress = printer.progress("training", 10);
        progress.add(10);
        progress.finish("done");
        printer.result("table")?;
        printer.warning("odd");
        printer.error("bad");
        assert_eq!(captured.out(), "table\n");
        assert_eq!(captured.err(), "warning: odd\nbad\n");
        Ok(())
    }
}

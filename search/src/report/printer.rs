//! Output to the user: stdout carries the result, stderr progress, status and logs.
//!
//! On a terminal, progress is drawn as bars that move in place and everything else is printed above them. Elsewhere, as in
//! the log of a continuous-integration job, each bar prints a plain line when it starts, about every ten seconds while it
//! moves, and when it ends.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::table::TableOptions;
use super::units;

/// Seconds between two plain lines of one progress.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

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
        self.start(what, total, false)
    }

    /// Starts a progress that is set in shares of the whole by [`Progress::set_share`], and shown in percent; its message contains
    /// the time left.
    pub fn share(&self, what: &str) -> Progress {
        self.start(what, SHARE_STEPS, true)
    }

    fn start(&self, what: &str, total: u64, is_share: bool) -> Progress {
        let bar = if self.shared.err_is_terminal && !self.shared.quiet {
            let bar = self.shared.bars.add(if total > 0 {
                ProgressBar::new(total)
            } else {
                ProgressBar::new_spinner()
            });
            bar.set_style(if is_share { share_style() } else { style(total) });
            bar.set_prefix(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            Some(bar)
        } else {
            self.status(&format!("{what} ..."));
            None
        };
        let state = State {
            what: what.to_owned(),
            total,
            is_share,
            done: 0,
            message: String::new(),
            pace: Pace::default(),
            ended: false,
        };
        Progress {
            printer: self.clone(),
            bar,
            started: Instant::now(),
            state: Arc::new(Mutex::new(state)),
        }
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
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn style(total: u64) -> ProgressStyle {
    let template = if total > 0 {
        "{prefix} [{bar:28}] {pos}/{len} {elapsed} (eta {eta}) {msg}"
    } else {
        "{prefix} {spinner} {pos} {elapsed} {msg}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Steps of a progress that is set in shares.
const SHARE_STEPS: u64 = 1000;

fn share_style() -> ProgressStyle {
    // The message has a line of its own: it is too long to fit beside the bar.
    ProgressStyle::with_template("{prefix} [{bar:28}] {percent} % {elapsed}\n  {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// One task under way; clones move the same bar. A bar not finished vanishes when its last clone is dropped.
#[derive(Clone)]
pub struct Progress {
    printer: Printer,
    bar: Option<ProgressBar>,
    started: Instant,
    state: Arc<Mutex<State>>,
}

struct State {
    what: String,
    total: u64,
    /// True if steps are parts of a share and not counted.
    is_share: bool,
    done: u64,
    message: String,
    pace: Pace,
    ended: bool,
}

impl Progress {
    /// Counts `steps` more steps as done.
    pub fn add(&self, steps: u64) {
        self.change(|state| state.done += steps);
    }

    /// Sets how many steps are done.
    pub fn set(&self, done: u64) {
        self.change(|state| state.done = done);
    }

    /// Sets the share that is done, 0 to 1, of a progress that is set in shares.
    pub fn set_share(&self, share: f64) {
        self.set((SHARE_STEPS as f64 * share.clamp(0.0, 1.0)) as u64);
    }

    /// Sets how many steps there are, where that was not known or has changed.
    pub fn set_total(&self, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_style(style(total));
        }
        self.change(|state| state.total = total);
    }

    /// Sets the text behind the bar: the best accuracy so far, the loss.
    pub fn message(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
        self.change(|state| text.clone_into(&mut state.message));
    }

    /// Removes the bar and prints a closing line; later calls do nothing.
    pub fn finish(&self, summary: &str) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let took = units::seconds(self.started.elapsed().as_secs_f64());
        self.printer.status(&format!("{}: {summary} ({took})", state.what));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        if let Some(bar) = &self.bar {
            bar.set_position(state.done);
        } else if !state.ended && state.pace.due(self.started.elapsed()) {
            let line = plain_line(&state, self.started.elapsed());
            self.printer.status(&line);
        }
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = lock(&self.state);
        formatter
            .debug_struct("Progress")
            .field("what", &state.what)
            .field("done", &state.done)
            .finish_non_exhaustive()
    }
}

/// `building table: 12/240 (5 %), 41 s; ir 3x3`
fn plain_line(state: &State, elapsed: Duration) -> String {
    let count = match state.total {
        total if state.is_share => format!("{} %", 100 * state.done.min(total) / total.max(1)),
        0 => state.done.to_string(),
        total => format!("{}/{total} ({} %)", state.done, 100 * state.done.min(total) / total),
    };
    let took = units::seconds(elapsed.as_secs_f64());
    let message = if state.message.is_empty() {
        String::new()
    } else {
        format!("; {}", state.message)
    };
    format!("{}: {count}, {took}{message}", state.what)
}

/// Schedule of plain lines, on the clock of the progress.
#[derive(Debug, Default)]
struct Pace {
    last: Duration,
}

impl Pace {
    fn due(&mut self, elapsed: Duration) -> bool {
        let due = elapsed.saturating_sub(self.last) >= PLAIN_EVERY;
        if due {
            self.last = elapsed;
        }
        due
    }
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

    #[test]
    fn without_a_terminal_progress_is_a_line_at_both_ends() {
        let (printer, captured) = Printer::captured(false);
        let progress = printer.progress("training", 500);
        for _ in 0..500 {
            progress.add(1);
        }
        progress.finish("71.2 %");
        progress.finish("again");
        let text = captured.err();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "training ...");
        assert!(lines[1].starts_with("training: 71.2 % ("), "{text}");
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn plain_lines_come_every_ten_seconds() {
        let mut pace = Pace::default();
        let due: Vec<u64> = (0..35)
            .filter(|&second| pace.due(Duration::from_secs(second)))
            .collect();
        assert_eq!(due, [10, 20, 30]);
        let state = State {
            what: "search".into(),
            total: 40,
            is_share: false,
            done: 7,
            message: "best 70.1 %".into(),
            pace,
            ended: false,
        };
        assert_eq!(
            plain_line(&state, Duration::from_secs(41)),
            "search: 7/40 (17 %), 41 s; best 70.1 %"
        );
        let share = State {
            is_share: true,
            ..state
        };
        assert_eq!(
            plain_line(&share, Duration::from_secs(41)),
            "search: 17 %, 41 s; best 70.1 %"
        );
    }
}

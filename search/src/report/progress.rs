//! Progress of tasks under way: bars on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::printer::{Printer, lock};
use super::units;

/// Seconds between two plain lines of one progress.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Time between two drawings of the lines below a bar.
const REDRAWN_EVERY: Duration = Duration::from_millis(100);

/// Steps of a progress that is set in shares.
pub(super) const SHARE_STEPS: u64 = 1000;

/// Columns of the line of a bar that are not the bar's.
const AROUND_BAR: usize = 34;

/// Begin of the lines below a bar.
const INDENT: &str = "  ";

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

/// The style of a share, whose bar fits a terminal of so many columns; the message has lines of its own.
fn share_style(columns: usize) -> ProgressStyle {
    let bar = columns.saturating_sub(AROUND_BAR).clamp(4, 28);
    ProgressStyle::with_template(&format!(
        "{{prefix}} [{{bar:{bar}}}] {{percent}} % {{elapsed}}\n{{msg}}"
    ))
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
    /// Time of the last drawing of lines below the bar.
    drawn: Option<Duration>,
    ended: bool,
}

impl Progress {
    /// A progress that a printer shows.
    pub(super) fn start(printer: &Printer, what: &str, total: u64, is_share: bool) -> Self {
        let bar = printer.bar(total);
        if let Some(bar) = &bar {
            bar.set_style(if is_share {
                share_style(terminal().1)
            } else {
                style(total)
            });
            bar.set_prefix(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
        } else {
            printer.status(&format!("{what} ..."));
        }
        let state = State {
            what: what.to_owned(),
            total,
            is_share,
            done: 0,
            message: String::new(),
            pace: Pace::default(),
            drawn: None,
            ended: false,
        };
        Self {
            printer: printer.clone(),
            bar,
            started: Instant::now(),
            state: Arc::new(Mutex::new(state)),
        }
    }

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

    /// Sets the text behind the bar, or below that of a share: the best accuracy so far, the loss.
    pub fn message(&self, text: &str) {
        if self.bar.is_some() && lock(&self.state).is_share {
            return self.panel(String::new, |_| vec![text.to_owned()]);
        }
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
        self.change(|state| text.clone_into(&mut state.message));
    }

    /// Sets the lines below the bar of a share on a terminal, where `lines` makes them for a number of columns, and elsewhere the text of
    /// plain lines. Lines beyond the terminal's height are left out, and those that come too fast for the eye.
    pub fn panel(&self, plain: impl FnOnce() -> String, lines: impl FnOnce(usize) -> Vec<String>) {
        let Some(bar) = &self.bar else {
            let plain = plain();
            return self.change(|state| state.message = plain);
        };
        let mut state = lock(&self.state);
        let elapsed = self.started.elapsed();
        if state.drawn.is_some_and(|drawn| elapsed < drawn + REDRAWN_EVERY) {
            return;
        }
        state.drawn = Some(elapsed);
        let (rows, columns) = terminal();
        bar.set_style(share_style(columns));
        bar.set_message(panel_text(
            &lines(columns.saturating_sub(INDENT.len() + 1)),
            rows,
            columns,
        ));
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

/// Rows and columns of the terminal.
fn terminal() -> (usize, usize) {
    let (rows, columns) = console::Term::stderr().size();
    (rows.into(), columns.into())
}

/// Lines below a bar, cut to the size of the terminal. What does not fit by its height is left out from the third line on.
fn panel_text(lines: &[String], rows: usize, columns: usize) -> String {
    // The bar, and a line that was printed above it.
    let fits = lines.len() + 2 <= rows;
    let shown = if fits { lines.len() } else { lines.len().min(2) };
    let width = columns.saturating_sub(1);
    let cut = |line: &String| {
        let line = format!("{INDENT}{line}");
        if line.chars().count() <= width {
            return line;
        }
        let kept: String = line.chars().take(width.saturating_sub(1)).collect();
        format!("{}…", kept.trim_end())
    };
    lines[..shown].iter().map(cut).collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

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
            drawn: None,
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
    #[test]
    fn lines_below_a_bar_fit_the_terminal() {
        let lines: Vec<String> = ["one", "two", "a line that is far too long", "four"]
            .map(str::to_owned)
            .into();
        assert_eq!(panel_text(&lines, 24, 80).lines().count(), 4);
        let narrow = panel_text(&lines, 24, 16);
        assert!(narrow.lines().all(|line| line.chars().count() < 16), "{narrow}");
        assert!(narrow.contains("  a line that…"), "{narrow}");
        assert_eq!(panel_text(&lines, 5, 80), "  one\n  two");
        assert_eq!(panel_text(&[], 24, 80), "");
    }
}

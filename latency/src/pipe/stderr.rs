//! Standard error of a process: appended to a log file, or passed to tracing.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::command::CommandLine;
use super::lines::{Line, excerpt, read_line};

/// Maximum length in bytes of a line of stderr; longer lines are truncated.
const LONGEST_LINE: usize = 64 << 10;

/// Number of bytes at the end of a log file in which the last line is searched.
const TAIL: u64 = 64 << 10;

/// Time to wait for the last lines of an ended process.
const SETTLE: Duration = Duration::from_millis(200);

/// Target for the stderr of a process to be started.
#[derive(Debug)]
pub(super) enum StderrTarget {
    File { path: PathBuf, file: File, start: u64 },
    Tracing { name: &'static str },
}

impl StderrTarget {
    /// Opens a log file for appending and writes a line with the time and the command. The process itself writes to the file, so that
    /// nothing is lost if the coordinator ends first.
    pub fn file(path: &Path, command: &CommandLine) -> io::Result<Self> {
        let mut file = File::options().append(true).create(true).open(path)?;
        let time = humantime::format_rfc3339_seconds(SystemTime::now());
        writeln!(file, "--- {time} {command}")?;
        let start = file.metadata()?.len();
        Ok(Self::File {
            path: path.to_owned(),
            file,
            start,
        })
    }

    pub fn stdio(&self) -> io::Result<Stdio> {
        match self {
            Self::File { file, .. } => Ok(file.try_clone()?.into()),
            Self::Tracing { .. } => Ok(Stdio::piped()),
        }
    }

    /// Starts reading if the process writes to a pipe.
    pub fn follow(self, output: Option<ChildStderr>) -> ErrorOutput {
        match self {
            Self::File { path, start, .. } => ErrorOutput::File { path, start },
            Self::Tracing { name } => ErrorOutput::followed(name, output),
        }
    }
}

/// Stderr of a running process.
#[derive(Debug)]
pub(super) enum ErrorOutput {
    File {
        path: PathBuf,
        /// Length of the file in bytes when the process was started.
        start: u64,
    },
    Tracing {
        last: Arc<Mutex<Option<String>>>,
        /// Closed at the end of stderr.
        end: Mutex<Receiver<()>>,
    },
}

impl ErrorOutput {
    fn followed(name: &'static str, output: Option<ChildStderr>) -> Self {
        let last = Arc::new(Mutex::new(None));
        let (open, end) = channel::<()>();
        if let Some(output) = output {
            let last = Arc::clone(&last);
            thread::spawn(move || {
                let _open = open;
                let mut output = BufReader::new(output);
                while let Ok(Some(Line::Complete(line) | Line::TooLong(line) | Line::Cut(line))) =
                    read_line(&mut output, LONGEST_LINE)
                {
                    let line = String::from_utf8_lossy(&line);
                    tracing::debug!("{name}: {line}");
                    if !line.trim().is_empty() {
                        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(excerpt(&line));
                    }
                }
            });
        }
        Self::Tracing {
            last,
            end: Mutex::new(end),
        }
    }

    /// Last non-empty line, shortened.
    pub fn last_line(&self) -> Option<String> {
        match self {
            Self::File { path, start } => last_line_of(path, *start).ok().flatten(),
            Self::Tracing { last, .. } => last.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Waits briefly for the last lines of an ended process.
    pub fn settle(&self) {
        if let Self::Tracing { end, .. } = self {
            let end = end.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = end.recv_timeout(SETTLE);
        }
    }
}

fn last_line_of(path: &Path, start: u64) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(length.saturating_sub(TAIL))))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let tail = String::from_utf8_lossy(&tail);
    Ok(tail.lines().rev().find(|line| !line.trim().is_empty()).map(excerpt))
}

//! State of a process, shared by the threads of its pipe.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::PipeError;
use super::lines::excerpt;
use super::process::{End, Process};
use super::stderr::ErrorOutput;

/// State of a process, shared by the threads of its pipe.
#[derive(Debug)]
pub(super) struct Shared {
    pub name: &'static str,
    pub command: String,
    pub process: Process,
    pub errors: ErrorOutput,
    pub last_stray: Mutex<Option<String>>,
    pub stray_lines: AtomicU64,
}

impl Shared {
    /// Records a line that is not a message.
    pub fn count_stray(&self, line: &str) {
        tracing::debug!("{}: not a message: {line}", self.name);
        self.stray_lines.fetch_add(1, Ordering::Relaxed);
        if !line.trim().is_empty() {
            *self.last_stray.lock().unwrap_or_else(PoisonError::into_inner) = Some(excerpt(line));
        }
    }

    pub fn last_line(&self) -> Option<String> {
        let last_stray = || self.last_stray.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.errors.last_line().or_else(last_stray)
    }

    /// Waits for a process that closed its stdout; returns the error that states how it ended.
    pub fn ended(&self, grace: Duration) -> PipeError {
        let status = match self.process.end(grace) {
            End::Exited(status) => status,
            End::Killed => "it closed its output".to_owned(),
        };
        self.errors.settle();
        PipeError::Ended {
            name: self.name,
            command: self.command.clone(),
            status,
            last_line: self.last_line(),
        }
    }

    pub fn timed_out(&self, expected: &'static str, waited: Duration) -> PipeError {
        PipeError::TimedOut {
            name: self.name,
            command: self.command.clone(),
            expected,
            waited,
            last_line: self.last_line(),
        }
    }

    pub fn stray(&self, line: &str) -> PipeError {
        PipeError::Stray {
            name: self.name,
            command: self.command.clone(),
            line: excerpt(line),
        }
    }
}

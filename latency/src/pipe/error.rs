//! Failures of a process behind a pipe.

use std::time::Duration;

use super::message::VERSION;

/// A process that cannot be started, has ended, or breaks the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipeError {
    /// The command does not start.
    #[error("cannot start {name} with `{command}`: {reason}; correct the command")]
    Start {
        /// Name of the protocol.
        name: &'static str,
        /// The command.
        command: String,
        /// The system's message.
        reason: String,
    },
    /// The file for the process's stderr cannot be written.
    #[error("cannot write the log {file} of {name}: {reason}")]
    Log {
        /// Name of the protocol.
        name: &'static str,
        /// The file.
        file: String,
        /// The system's message.
        reason: String,
    },
    /// The process ended or closed its stdout.
    #[error(
        "{name} behind `{command}` ended ({status}){}; run the command by hand: it must start the program on its machine without asking \
         for a password",
        last(last_line.as_ref())
    )]
    Ended {
        /// Name of the protocol.
        name: &'static str,
        /// The command.
        command: String,
        /// Exit status of the command.
        status: String,
        /// Its last line on stderr, or on stdout where that was no message.
        last_line: Option<String>,
    },
    /// A reply or a heartbeat did not come in time.
    #[error(
        "{name} behind `{command}` sent nothing within {} (expected: {expected}){}; see whether its machine is overloaded, or allow more time",
        humantime::format_duration(*waited), last(last_line.as_ref())
    )]
    TimedOut {
        /// Name of the protocol.
        name: &'static str,
        /// The command.
        command: String,
        /// The message that was due.
        expected: &'static str,
        /// The time without it.
        waited: Duration,
        /// Its last line on stderr, or on stdout where that was no message.
        last_line: Option<String>,
    },
    /// Too many lines in a row are no messages.
    #[error(
        "`{command}` writes lines that are not {name}'s: `{line}`; the command must start the program itself, and a login on its machine \
         must print nothing"
    )]
    Stray {
        /// Name of the protocol.
        name: &'static str,
        /// The command.
        command: String,
        /// The last of the lines, shortened.
        line: String,
    },
    /// The other side has another protocol, or another version of it.
    #[error(
        "the program behind `{command}` is {program} with protocol {found}, this is mnas {} with protocol {expected}; install the program \
         of this version there",
        VERSION
    )]
    Version {
        /// The command.
        command: String,
        /// The other side's program and version.
        program: String,
        /// Name and version of its protocol.
        found: String,
        /// Name and version of this side's protocol.
        expected: String,
    },
    /// The other side could not read a request.
    #[error("{name} behind `{command}` rejects a request: {reason}")]
    Rejected {
        /// Name of the protocol.
        name: &'static str,
        /// The command.
        command: String,
        /// The other side's message.
        reason: String,
    },
}

fn last(line: Option<&String>) -> String {
    line.map_or_else(String::new, |line| format!(", its last line: `{line}`"))
}

impl PipeError {
    /// Returns true if a new process can succeed where this one failed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Start { .. } | Self::Ended { .. } | Self::TimedOut { .. } | Self::Stray { .. }
        )
    }
}

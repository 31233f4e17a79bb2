//! Errors of a process behind a pipe.

use std::time::Duration;

use super::message::VERSION;

/// Error of a process that cannot be started, has ended, or violates the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipeError {
    /// The command cannot be started.
    #[error("cannot start {name} with `{command}`: {reason}; correct the command")]
    Start {
        /// Name of the protocol.
        name: &'static str,
        /// Command that started the process.
        command: String,
        /// Error message of the operating system.
        reason: String,
    },
    /// The file for the process's stderr cannot be written.
    #[error("cannot write the log {file} of {name}: {reason}")]
    Log {
        /// Name of the protocol.
        name: &'static str,
        /// Path of the file.
        file: String,
        /// Error message of the operating system.
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
        /// Command that started the process.
        command: String,
        /// Exit status of the command.
        status: String,
        /// Last line on stderr, or else the last line on stdout that was not a message.
        last_line: Option<String>,
    },
    /// A reply or a heartbeat did not come in time.
    #[error(
        "{name} behind `{command}` sent nothing within {} (expected: {expected}){}; check whether its machine is overloaded, or allow more time",
        humantime::format_duration(*waited), last(last_line.as_ref())
    )]
    TimedOut {
        /// Name of the protocol.
        name: &'static str,
        /// Command that started the process.
        command: String,
        /// Name of the message that was expected.
        expected: &'static str,
        /// Time waited.
        waited: Duration,
        /// Last line on stderr, or else the last line on stdout that was not a message.
        last_line: Option<String>,
    },
    /// Too many consecutive lines are not messages.
    #[error(
        "`{command}` writes lines that are not {name}'s: `{line}`; the command must start the program itself, and a login on its machine \
         must print nothing"
    )]
    Stray {
        /// Name of the protocol.
        name: &'static str,
        /// Command that started the process.
        command: String,
        /// Last of the lines, shortened.
        line: String,
    },
    /// The process uses another protocol, or another version of it.
    #[error(
        "the program behind `{command}` is {program} with protocol {found}, this is mnas {} with protocol {expected}; install the program \
         of this version there",
        VERSION
    )]
    Version {
        /// Command that started the process.
        command: String,
        /// Name and version of the program.
        program: String,
        /// Name and version of the program's protocol.
        found: String,
        /// Name and version of the coordinator's protocol.
        expected: String,
    },
    /// The process could not parse a request.
    #[error("{name} behind `{command}` rejects a request: {reason}")]
    Rejected {
        /// Name of the protocol.
        name: &'static str,
        /// Command that started the process.
        command: String,
        /// Message of the process.
        reason: String,
    },
}

fn last(line: Option<&String>) -> String {
    line.map_or_else(String::new, |line| format!(", its last line: `{line}`"))
}

impl PipeError {
    /// Returns true if a new process may succeed after this error.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Start { .. } | Self::Ended { .. } | Self::TimedOut { .. } | Self::Stray { .. }
        )
    }
}

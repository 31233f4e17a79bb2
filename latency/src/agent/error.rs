//! Errors of a device behind a pipe.

use crate::pipe::PipeError;

/// Error of a device agent or of the connection to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// The device has no command that starts an agent.
    #[error("device `{device}` has no command that starts an agent; add `command` to its file")]
    NoCommand {
        /// Name of the device.
        device: String,
    },
    /// The process that the command started failed.
    #[error(transparent)]
    Pipe(#[from] PipeError),
    /// After a lost connection, the command reached a different device.
    #[error(
        "`{command}` reaches another device than before: {what} was `{before}` and is now `{now}`; the measurements are kept; give every \
         device its own name"
    )]
    Changed {
        /// The command.
        command: String,
        /// The fact that differs.
        what: &'static str,
        /// Its value before.
        before: String,
        /// Its value now.
        now: String,
    },
    /// The runtime on the device cannot be opened.
    #[error("the agent behind `{command}` cannot open {runtime}: {reason}")]
    NoRuntime {
        /// The command.
        command: String,
        /// The runtime.
        runtime: &'static str,
        /// The agent's message.
        reason: String,
    },
    /// The connection was lost too many times.
    #[error(
        "gave up after {attempts} attempts; what was measured is kept, and the same command continues from there; last error: {last}"
    )]
    Lost {
        /// Consecutive failed attempts, or the total number of reconnections.
        attempts: u32,
        /// The last failure.
        last: PipeError,
    },
}

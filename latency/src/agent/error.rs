//! Failures of a device behind a pipe.

use crate::pipe::PipeError;

/// A failure of an agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// The device has no command that starts an agent.
    #[error("device `{device}` has no command that starts an agent; add `command` to its file")]
    NoCommand {
        /// The device.
        device: String,
    },
    /// The process behind the command failed.
    #[error(transparent)]
    Pipe(#[from] PipeError),
    /// Another device answered after the connection was lost.
    #[error(
        "behind `{command}` there is another device than before: {what} was `{before}` and is `{now}`; what was measured is kept, give \
         every device a name of its own"
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
    /// The connection was lost too often.
    #[error(
        "gave up after {attempts} attempts; what was measured is kept, and the same command goes on from there; last: {last}"
    )]
    Lost {
        /// Attempts in a row, or reconnections in all.
        attempts: u32,
        /// The last failure.
        last: PipeError,
    },
}

//! What can go wrong with a device behind a pipe.

use std::time::Duration;

use super::PROTOCOL;

/// An agent that does not do its part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// The command is no program here.
    #[error("cannot start the agent with `{command}`: {reason}; correct the device's command")]
    Start {
        /// The command.
        command: String,
        /// The system's words.
        reason: String,
    },
    /// The pipe was closed.
    #[error(
        "the agent behind `{command}` ended ({status}){}; run the command by hand: it must start mnas-agent on the device, \
         without asking for a password",
        said(last_words)
    )]
    Ended {
        /// The command.
        command: String,
        /// How the command ended.
        status: String,
        /// The last line it wrote to stderr, or to stdout where that was no answer.
        last_words: Option<String>,
    },
    /// No answer came in time.
    #[error(
        "the agent behind `{command}` gave no answer within {} ({waited_for}){}; see whether the device is overloaded, or set a longer \
         `timeout` in its file", humantime::format_duration(*timeout), said(last_words)
    )]
    Silent {
        /// The command.
        command: String,
        /// What was asked for.
        waited_for: &'static str,
        /// How long was waited.
        timeout: Duration,
        /// The last line it wrote to stderr, or to stdout where that was no answer.
        last_words: Option<String>,
    },
    /// What came is no answer.
    #[error(
        "`{command}` says what no agent says: `{line}`; the command must start mnas-agent, and the login on the device must print nothing"
    )]
    Garbage {
        /// The command.
        command: String,
        /// The line, shortened.
        line: String,
    },
    /// Coordinator and agent do not speak the same language.
    #[error(
        "the agent behind `{command}` is mnas-agent {agent} with protocol {protocol}, this is mnas {} with protocol {PROTOCOL}; install \
         the mnas-agent of this version on the device", env!("CARGO_PKG_VERSION")
    )]
    Version {
        /// The command.
        command: String,
        /// The agent's version.
        agent: String,
        /// Its protocol.
        protocol: u64,
    },
    /// After the connection was lost, another device answered.
    #[error(
        "behind `{command}` there is another device than before: {what} was `{before}` and is `{now}`; what was measured is kept, give \
         every device a name of its own"
    )]
    Changed {
        /// The command.
        command: String,
        /// What differs.
        what: &'static str,
        /// As it was.
        before: String,
        /// As it is.
        now: String,
    },
    /// The runtime on the device cannot be opened.
    #[error("the agent behind `{command}` cannot open {runtime}: {reason}")]
    NoRuntime {
        /// The command.
        command: String,
        /// The runtime.
        runtime: &'static str,
        /// The agent's words.
        reason: String,
    },
    /// The connection was lost too often.
    #[error(
        "gave up after {attempts} attempts; what was measured is kept, and the same command goes on from there; last: {last}"
    )]
    Lost {
        /// Attempts in a row, or reconnections in all.
        attempts: u32,
        /// What happened last.
        last: Box<AgentError>,
    },
}

fn said(last_words: &Option<String>) -> String {
    last_words
        .as_ref()
        .map_or_else(String::new, |line| format!(", its last words: `{line}`"))
}

impl AgentError {
    /// Whether a new connection can help.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Start { .. } | Self::Ended { .. } | Self::Silent { .. } | Self::Garbage { .. }
        )
    }
}

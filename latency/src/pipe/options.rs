//! Settings of a pipe.

use std::path::PathBuf;
use std::time::Duration;

use super::message::Protocol;

/// Heartbeats that the serving side sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Interval between heartbeats.
    pub every: Duration,
    /// Time without any line after which the process is considered dead.
    pub silence: Duration,
}

impl Default for Heartbeat {
    /// Interval of 5 s, silence of one minute.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5),
            silence: Duration::from_mins(1),
        }
    }
}

/// Settings of a pipe.
#[derive(Debug, Clone)]
pub struct PipeOptions {
    /// Protocol that both sides must use.
    pub protocol: Protocol,
    /// File to which the process's stderr is appended; its folder must exist. With `None`, stderr goes to tracing.
    pub log: Option<PathBuf>,
    /// Time limit for the process's hello; `None` if the process may have to wait for a machine, as under Slurm.
    pub hello: Option<Duration>,
    /// Heartbeats; `None` for processes that measure.
    pub heartbeat: Option<Heartbeat>,
    /// Maximum number of consecutive lines that are not messages.
    pub stray_lines: u32,
    /// Time that the process may take to end after its stdin is closed.
    pub grace: Duration,
}

impl PipeOptions {
    /// Default settings: hello within a minute, heartbeats, at most 1000 consecutive stray lines, 2 s to end.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            log: None,
            hello: Some(Duration::from_mins(1)),
            heartbeat: Some(Heartbeat::default()),
            stray_lines: 1000,
            grace: Duration::from_secs(2),
        }
    }
}

//! Settings of a pipe.

use std::path::PathBuf;
use std::time::Duration;

use super::message::Protocol;

/// Signs of life that the serving side sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Time between two of them.
    pub every: Duration,
    /// Time without any line after which the process counts as dead.
    pub silence: Duration,
}

impl Default for Heartbeat {
    /// Every 5 s; dead after a minute.
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
    /// The protocol that both sides must have.
    pub protocol: Protocol,
    /// A file that the process's stderr is appended to; its folder must exist. Without one, stderr goes to tracing.
    pub log: Option<PathBuf>,
    /// Longest time until the process's hello; `None` where it may have to wait for its machine, as under Slurm.
    pub hello: Option<Duration>,
    /// Signs of life; `None` for processes that measure.
    pub heartbeat: Option<Heartbeat>,
    /// Most lines in a row that are no messages.
    pub stray_lines: u32,
    /// Time that the process may take to end when its stdin is closed.
    pub grace: Duration,
}

impl PipeOptions {
    /// Hello within a minute, heartbeats, at most 1000 stray lines in a row, 2 s to end.
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

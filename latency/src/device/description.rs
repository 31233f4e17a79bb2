//! A device as its file describes it.

use std::path::PathBuf;
use std::time::Duration;

use super::kinds::{Precision, RuntimeKind};
use crate::machine::Processor;
use crate::pipe::CommandLine;

/// A place where networks run, with the runtime, threads and precision they run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Name of the device.
    pub name: String,
    /// Runtime that executes networks on it.
    pub runtime: RuntimeKind,
    /// Number of threads of one inference.
    pub threads: usize,
    /// The type of weights and activations.
    pub precision: Precision,
    /// Processor that computes.
    pub processor: Processor,
    /// The agent that measures it; `None` where this machine is the device.
    pub agent: Option<AgentCommand>,
    /// The recorded table of [`RuntimeKind::Replay`], or that of [`RuntimeKind::Published`].
    pub table: Option<PathBuf>,
}

impl Device {
    /// The name as a folder's: `ssh:pi@host` becomes `ssh-pi-host`.
    pub fn folder_name(&self) -> String {
        self.name.replace([':', '@', '[', ']'], "-")
    }
}

/// The command that starts a device's agent, and the time that it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    /// The program that is started here, and its arguments; its stdin and stdout lead to the agent.
    pub command: CommandLine,
    /// Longest time for one reply.
    pub timeout: Duration,
}

impl AgentCommand {
    /// Longest time for one reply where a device does not state it.
    pub const TIMEOUT: Duration = Duration::from_mins(1);
}

impl std::fmt::Display for AgentCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.command.fmt(f)
    }
}

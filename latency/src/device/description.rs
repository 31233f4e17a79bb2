//! Description of a device, as read from its file.

use std::path::PathBuf;
use std::time::Duration;

use super::kinds::{Precision, RuntimeKind};
use crate::machine::Processor;
use crate::pipe::CommandLine;

/// Device on which networks run, with runtime, threads and precision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Name of the device.
    pub name: String,
    /// Runtime that executes networks on the device.
    pub runtime: RuntimeKind,
    /// Number of threads per inference.
    pub threads: usize,
    /// Number format of weights and activations.
    pub precision: Precision,
    /// Processor that executes networks.
    pub processor: Processor,
    /// Command of the agent that measures the device; `None` if the device is this machine.
    pub agent: Option<AgentCommand>,
    /// Folder of the table of [`RuntimeKind::Replay`] or [`RuntimeKind::Published`]; `None` for other runtimes.
    pub table: Option<PathBuf>,
}

impl Device {
    /// Name of the device's folder: `ssh:pi@host` becomes `ssh-pi-host`.
    pub fn folder_name(&self) -> String {
        self.name.replace([':', '@', '[', ']'], "-")
    }
}

/// Command that starts a device's agent, and the time limit for its replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    /// Program to start on this machine, with arguments; its stdin and stdout are connected to the agent.
    pub command: CommandLine,
    /// Time limit for one reply.
    pub timeout: Duration,
}

impl AgentCommand {
    /// Default time limit for one reply.
    pub const TIMEOUT: Duration = Duration::from_mins(1);
}

impl std::fmt::Display for AgentCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.command.fmt(f)
    }
}

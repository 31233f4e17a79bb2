//! Devices: where networks run, and the facts that make a measurement comparable.
//!
//! A device is a TOML file: see the files in `configs/devices` for every kind of them.
//!
//! | field | meaning |
//! |---|---|
//! | `name` | what people call it; its table's folder has this name |
//! | `runtime` | `onnxruntime`, `libtorch`, `tract`, `replay` (answers from a recorded table), `published` (predicts from published figures, cannot be measured), `fake` (invented times) |
//! | `threads` | threads of one inference, 1 by default |
//! | `precision` | `fp32` |
//! | `processor` | `cpu`, the default, or `cuda` (onnxruntime and libtorch) |
//! | `command` | starts `mnas-agent` where the device is: `ssh pi@host mnas-agent`; without it, this machine measures itself |
//! | `timeout` | how long the agent may take for one answer, `60s` by default |
//! | `table` | of `replay` and `published`: the folder of the table, relative to the device file |
//!
//! `ssh:user@host` stands for a device with ONNX Runtime on one thread behind `ssh user@host mnas-agent`.

mod fingerprint;
mod host;
mod parse;
mod ssh;

pub use fingerprint::DeviceFingerprint;
pub use host::HostFacts;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::LatencyError;
use crate::pipe::CommandLine;

macro_rules! built_in {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../configs/devices/", $name, ".toml")))),*]
    };
}

/// The devices that are built in: name and file.
const BUILT_IN: [(&str, &str); 8] = built_in![
    "host",
    "host-2t",
    "host-torch",
    "host-tract",
    "cuda",
    "pixel1",
    "replay",
    "fake"
];

/// Where device files are looked for, relative to the working directory.
const FOLDER: &str = "configs/devices";

/// A place where networks run, with the runtime, threads and precision they run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What people call it.
    pub name: String,
    /// What executes networks on it.
    pub runtime: RuntimeKind,
    /// How many threads one inference uses.
    pub threads: usize,
    /// The type of weights and activations.
    pub precision: Precision,
    /// What computes.
    pub processor: Processor,
    /// The agent that measures it; `None` where this machine is the device.
    pub agent: Option<AgentCommand>,
    /// The recorded table of [`RuntimeKind::Replay`], or that of [`RuntimeKind::Published`].
    pub table: Option<PathBuf>,
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

/// What executes networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeKind {
    /// ONNX Runtime.
    OnnxRuntime,
    /// libtorch in eager mode; this crate does not hold it, see [`crate::runtimes::open`].
    LibTorch,
    /// tract, a runtime in pure Rust (cargo feature `tract`).
    Tract,
    /// [`crate::runtimes::ReplayRuntime`]: the times of a recorded table.
    Replay,
    /// Nothing here: the device is known from published figures, see [`crate::LatencyTable::published`].
    Published,
    /// [`crate::runtimes::FakeRuntime`]: invented times, for tests and trials.
    Fake,
}

impl RuntimeKind {
    /// As device files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::LibTorch => "libtorch",
            Self::Tract => "tract",
            Self::Replay => "replay",
            Self::Published => "published",
            Self::Fake => "fake",
        }
    }
}

/// The type of weights and activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    #[serde(rename = "fp32")]
    Float32,
}

impl Precision {
    /// As device files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "fp32",
        }
    }
}

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Processor {
    /// The processor.
    #[default]
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
}

impl Device {
    /// The names of the built-in devices.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Finds a device: `ssh:[user@]host[:port]`, a path to a TOML file, else `configs/devices/<name>.toml` under the
    /// working directory, else a built-in one.
    pub fn open(name: &str) -> Result<Self, LatencyError> {
        if let Some(address) = name.strip_prefix("ssh:") {
            return ssh::device(name, address);
        }
        let path = Path::new(name);
        let is_path = path.extension().is_some_and(|extension| extension == "toml") || path.components().count() > 1;
        if is_path {
            return Self::read(path);
        }
        let file = Path::new(FOLDER).join(format!("{name}.toml"));
        if file.is_file() {
            return Self::read(&file);
        }
        if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            return parse::device(text, &format!("built-in device `{name}`"), Path::new(FOLDER));
        }
        let known = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        Err(LatencyError::UnknownDevice {
            name: name.to_owned(),
            known,
        })
    }

    /// Reads a device file.
    pub fn read(path: &Path) -> Result<Self, LatencyError> {
        let text = std::fs::read_to_string(path).map_err(LatencyError::io("read the device file", path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        parse::device(&text, &path.display().to_string(), folder)
    }

    /// Parses a device from TOML; `file` is named in errors, and paths are relative to the working directory.
    pub fn parse(text: &str, file: &str) -> Result<Self, LatencyError> {
        parse::device(text, file, Path::new(""))
    }

    /// The name as a folder's: `ssh:pi@host` becomes `ssh-pi-host`.
    pub fn folder_name(&self) -> String {
        self.name.replace([':', '@', '[', ']'], "-")
    }
}

#[cfg(test)]
mod tests;

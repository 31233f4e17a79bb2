//! Errors of devices, measurements, tables and predictions.

use std::path::{Path, PathBuf};

use crate::agent::error::AgentError;
use crate::duration::DurationError;

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum LatencyError {
    /// A duration cannot be parsed.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// Reading or writing failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Action that failed, such as `read`.
        action: &'static str,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// No device has this name.
    #[error("there is no device `{name}`; expected one of {}, a file configs/devices/{name}.toml, or a path", known.join(", "))]
    UnknownDevice {
        /// Requested name.
        name: String,
        /// Names of the built-in devices.
        known: Vec<String>,
    },
    /// The address of a device is invalid.
    #[error(
        "device `{address}`: {problem}; expected ssh:user@host or ssh:user@host:port, for anything else write a device file with a `command`"
    )]
    DeviceAddress {
        /// Address given.
        address: String,
        /// Description of the error.
        problem: String,
    },
    /// A device file is invalid.
    #[error("{file}, line {line}: {problem}; {expected}")]
    DeviceConfig {
        /// File, or name of a built-in device.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Problem found.
        problem: String,
        /// Accepted values.
        expected: String,
    },
    /// There is no latency table in this folder.
    #[error("{} holds no latency table; make one with `mnas profile --device {device}`", folder.display())]
    TableMissing {
        /// Folder that was searched.
        folder: PathBuf,
        /// Device whose table was expected.
        device: String,
    },
    /// The table was measured on a different device from the one for which it is used.
    #[error("{}: the table was measured with {what} `{found}`, this is `{expected}`; {remedy}", file.display())]
    TableMismatch {
        /// The table's `device.toml`.
        file: PathBuf,
        /// Property that differs: `runtime version`, `cpu`, ...
        what: &'static str,
        /// The table's value.
        found: String,
        /// The device's value.
        expected: String,
        /// Remedy.
        remedy: String,
    },
    /// A table file is invalid.
    #[error("{}, line {line}: {problem}; {remedy}", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// Problem found.
        problem: String,
        /// Remedy.
        remedy: String,
    },
    /// Another process writes to the table.
    #[error("{}: another process writes this table; wait until it is done, then start again", file.display())]
    TableBusy {
        /// File to which it writes.
        file: PathBuf,
    },
    /// The runtime could not be opened, or could not load or run a model.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// With [`crate::MissingKeys::Refuse`], the table lacks a layer of the network to predict.
    #[error(
        "{count} of the network's layers are not in the table, the first is `{first}`; profile the device for this network, or allow predicted layers"
    )]
    MissingKeys {
        /// Number of missing layers.
        count: usize,
        /// First missing layer.
        first: String,
    },
    /// The layers of the table were measured on another device, so no layers can be added.
    #[error(
        "{} has the layers of `{origin}`, measured layers cannot be mixed with them; measure whole networks only, or move the folder away and run `mnas profile --device {device}`",
        folder.display()
    )]
    BorrowedLayers {
        /// Folder of the table.
        folder: PathBuf,
        /// Device of the table.
        device: String,
        /// Device on which its layers were measured.
        origin: String,
    },
    /// The table has no measured layers, so nothing can be predicted.
    #[error("the table holds no measured layer; profile the device first")]
    EmptyTable,
}

impl LatencyError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            action,
            source,
        }
    }

    /// Returns true if the table is missing or belongs to another device (the binary's exit code 5).
    pub fn is_table_of_another_device(&self) -> bool {
        matches!(self, Self::TableMissing { .. } | Self::TableMismatch { .. })
    }
}

/// Error of a runtime, in general or for one model.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RuntimeError {
    /// The runtime's library does not exist at its path.
    #[error("there is no {runtime} library at {}; run the set-up again or name the library's path", path.display())]
    LibraryMissing {
        /// The runtime.
        runtime: &'static str,
        /// Place searched.
        path: PathBuf,
    },
    /// The path of the library is unknown.
    #[error(
        "device `{device}` needs the {runtime} library and its path is not known; run the set-up or name the library's path"
    )]
    LibraryUnknown {
        /// The device.
        device: String,
        /// The runtime.
        runtime: &'static str,
    },
    /// The library cannot be loaded or is too old.
    #[error("cannot use the {runtime} library {}: {reason}; expected {runtime} {oldest} or newer for this machine", path.display())]
    LibraryUnusable {
        /// The runtime.
        runtime: &'static str,
        /// The library.
        path: PathBuf,
        /// Reason.
        reason: String,
        /// The oldest version that works.
        oldest: String,
    },
    /// The process has already loaded another library of the same runtime, and can load only one.
    #[error("cannot load {}: this process already uses {}; use one library of a runtime per process", path.display(), loaded.display())]
    AnotherLibrary {
        /// Requested library.
        path: PathBuf,
        /// Library already loaded.
        loaded: PathBuf,
    },
    /// The runtime is not part of this program.
    #[error("device `{device}` needs the runtime {runtime}, which this program was built without; {remedy}")]
    NotBuiltIn {
        /// The device.
        device: String,
        /// The runtime.
        runtime: &'static str,
        /// Remedy.
        remedy: &'static str,
    },
    /// The device needs CUDA, which is not available.
    #[error("there is no CUDA device to measure: {reason}")]
    NoCuda {
        /// Missing component, and the remedy.
        reason: String,
    },
    /// The table of a device without a runtime of its own (`replay`, `published`) cannot be used.
    #[error("device `{device}` answers from a recorded table: {reason}")]
    Recording {
        /// The device.
        device: String,
        /// Error in the table, and the remedy.
        reason: String,
    },
    /// The device has only published figures.
    #[error(
        "device `{device}` cannot be measured: it is known from published figures only ({note}); predict with it, or profile a device of your own"
    )]
    Published {
        /// The device.
        device: String,
        /// Description of the figures.
        note: String,
    },
    /// The agent of a remote device failed.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The runtime cannot execute the model.
    #[error("{runtime} refuses `{model}`: {reason}")]
    Refused {
        /// The runtime.
        runtime: String,
        /// The model's name.
        model: String,
        /// Message of the runtime.
        reason: String,
    },
    /// The runtime failed while running the model.
    #[error("{runtime} failed while running `{model}`: {reason}")]
    Failed {
        /// The runtime.
        runtime: String,
        /// The model's name.
        model: String,
        /// Message of the runtime.
        reason: String,
    },
}

impl RuntimeError {
    /// Returns true if the error concerns only this model, and the runtime works for others.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

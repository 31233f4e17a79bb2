//! Errors of devices, measurements, tables and predictions.

use std::path::{Path, PathBuf};

use crate::agent::error::AgentError;
use crate::duration::DurationError;

/// Any failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum LatencyError {
    /// A duration that cannot be read.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// Reading or writing failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Action that failed, such as `read`.
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There is no device of this name.
    #[error("there is no device `{name}`; expected one of {}, a file configs/devices/{name}.toml, or a path", known.join(", "))]
    UnknownDevice {
        /// The value asked for.
        name: String,
        /// The devices that are built in.
        known: Vec<String>,
    },
    /// A short form of a device that cannot be read.
    #[error(
        "device `{address}`: {problem}; expected ssh:user@host or ssh:user@host:port, for anything else write a device file with a `command`"
    )]
    DeviceAddress {
        /// The value given.
        address: String,
        /// Description of the fault.
        problem: String,
    },
    /// A device file that cannot be used.
    #[error("{file}, line {line}: {problem}; {expected}")]
    DeviceConfig {
        /// The file, or the name of a built-in device.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// The value found.
        problem: String,
        /// Values accepted.
        expected: String,
    },
    /// There is no latency table in this folder.
    #[error("{} holds no latency table; make one with `mnas profile --device {device}`", folder.display())]
    TableMissing {
        /// Place searched.
        folder: PathBuf,
        /// The device it should be of.
        device: String,
    },
    /// The table was measured on something else than what it is to be used for.
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
    /// A table file with something in it that cannot be right.
    #[error("{}, line {line}: {problem}; {remedy}", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// The value found.
        problem: String,
        /// Remedy.
        remedy: String,
    },
    /// Somebody else writes the table.
    #[error("{}: another process writes this table; wait until it is done, then start again", file.display())]
    TableBusy {
        /// The file that is written.
        file: PathBuf,
    },
    /// The runtime could not be opened, or could not load or run a model.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A prediction was asked for with [`crate::MissingKeys::Refuse`] and the table does not hold every layer.
    #[error(
        "{count} of the network's layers are not in the table, the first is `{first}`; profile the device for this network, or allow predicted layers"
    )]
    MissingKeys {
        /// Number of missing layers.
        count: usize,
        /// The first of them.
        first: String,
    },
    /// A layer was to be measured into a table whose layers are another device's.
    #[error(
        "{} has the layers of `{origin}`, measured layers cannot be mixed with them; measure whole networks only, or move the folder away and run `mnas profile --device {device}`",
        folder.display()
    )]
    BorrowedLayers {
        /// The table's folder.
        folder: PathBuf,
        /// Its device.
        device: String,
        /// The device that its layers are of.
        origin: String,
    },
    /// Nothing was measured, so nothing can be predicted.
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

/// A runtime that does not work, or not for this model.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RuntimeError {
    /// The runtime's library is not where it should be.
    #[error("there is no {runtime} library at {}; run the set-up again or name the library's path", path.display())]
    LibraryMissing {
        /// The runtime.
        runtime: &'static str,
        /// Place searched.
        path: PathBuf,
    },
    /// No library was named.
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
        /// Why not.
        reason: String,
        /// The oldest version that works.
        oldest: String,
    },
    /// A process can hold one copy of the library; it already holds another.
    #[error("cannot load {}: this process already uses {}; use one library of a runtime per process", path.display(), loaded.display())]
    AnotherLibrary {
        /// The value asked for.
        path: PathBuf,
        /// The library that is loaded.
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
    /// The device computes with CUDA and there is none.
    #[error("there is no CUDA device to measure: {reason}")]
    NoCuda {
        /// The missing part, and the remedy.
        reason: String,
    },
    /// The table of a device that answers from one cannot be used.
    #[error("device `{device}` answers from a recorded table: {reason}")]
    Recording {
        /// The device.
        device: String,
        /// The fault of the table, and the remedy.
        reason: String,
    },
    /// The device is known from published figures only.
    #[error(
        "device `{device}` cannot be measured: it is known from published figures only ({note}); predict with it, or profile a device of your own"
    )]
    Published {
        /// The device.
        device: String,
        /// Description of the figures.
        note: String,
    },
    /// The device is behind a pipe, and its agent does not do its part.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The runtime does not accept the model.
    #[error("{runtime} refuses `{model}`: {reason}")]
    Refused {
        /// The runtime.
        runtime: String,
        /// The model's name.
        model: String,
        /// The runtime's words.
        reason: String,
    },
    /// The runtime failed while running the model.
    #[error("{runtime} failed while running `{model}`: {reason}")]
    Failed {
        /// The runtime.
        runtime: String,
        /// The model's name.
        model: String,
        /// The runtime's words.
        reason: String,
    },
}

impl RuntimeError {
    /// Returns true if the runtime works, but not for this model.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

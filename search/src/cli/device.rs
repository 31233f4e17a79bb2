//! Devices, their runtimes and their tables.

use std::path::{Path, PathBuf};

use clap::Args;
use mnas_latency::agent::{AgentOptions, AgentRuntime};
use mnas_latency::runtimes::{self, Libraries, LiteRt, OnnxRuntime};
use mnas_latency::{
    AgentCommand, Device, LatencyTable, MeasureSettings, Processor, Runtime, RuntimeError, RuntimeKind, TableHeader,
};

use super::error::CliError;
use crate::report::units;
use crate::worker_client::agent_command;

/// Folder of latency tables.
#[derive(Debug, Clone, Args)]
pub struct TableArguments {
    /// Folder of latency tables, one per device
    #[arg(long, value_name = "DIR", default_value = "results/profiles")]
    pub tables: PathBuf,
}

/// The ONNX Runtime library: the environment's, else the one this program was built with.
pub fn onnx_runtime_library() -> Option<PathBuf> {
    library("ORT_DYLIB_PATH", option_env!("ORT_DYLIB_PATH"))
}

/// The LiteRT library: the environment's, else the one this program was built with.
pub fn litert_library() -> Option<PathBuf> {
    library("LITERT_DYLIB_PATH", option_env!("LITERT_DYLIB_PATH"))
}

fn library(variable: &str, built_with: Option<&str>) -> Option<PathBuf> {
    let given = std::env::var_os(variable)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let built_with = built_with.filter(|path| !path.is_empty());
    given.or_else(|| built_with.map(PathBuf::from))
}

fn libraries() -> Libraries {
    Libraries {
        onnx_runtime: onnx_runtime_library(),
        litert: litert_library(),
    }
}

/// ONNX Runtime on one thread, to compute results with; `None` where no library is known.
pub fn onnx_runtime() -> Result<Option<OnnxRuntime>, RuntimeError> {
    onnx_runtime_library()
        .map(|library| OnnxRuntime::new(&library, 1))
        .transpose()
}

/// LiteRT on one thread, to compute results with; `None` where no library is known.
pub fn litert() -> Result<Option<LiteRt>, RuntimeError> {
    litert_library().map(|library| LiteRt::new(&library, 1)).transpose()
}

/// A device that is ready to measure.
pub struct OpenDevice {
    pub device: Device,
    pub runtime: Box<dyn Runtime>,
    /// The folder of its table.
    pub folder: PathBuf,
}

impl OpenDevice {
    /// Opens a device by name or file.
    pub fn open(name: &str, tables: &Path) -> Result<Self, CliError> {
        let device = Device::open(name)?;
        let runtime: Box<dyn Runtime> = match device.runtime {
            RuntimeKind::LibTorch if device.agent.is_none() => libtorch(&device)?,
            _ => runtimes::open(&device, &libraries())?,
        };
        let folder = match &device.table {
            Some(folder) if device.runtime == RuntimeKind::Published => folder.clone(),
            _ => tables.join(device.folder_name()),
        };
        Ok(Self {
            device,
            runtime,
            folder,
        })
    }

    /// Checks that the device can be measured: an error for one that is known from published figures only.
    pub fn measurable(&self) -> Result<(), CliError> {
        if self.device.runtime == RuntimeKind::Published {
            LatencyTable::published(&self.device)?.measurable()?;
        }
        Ok(())
    }

    /// Its table, created where there is none.
    pub fn table(&mut self, settings: &MeasureSettings) -> Result<LatencyTable, CliError> {
        Ok(mnas_latency::open_or_create(
            &self.folder,
            &self.device,
            self.runtime.as_mut(),
            settings,
        )?)
    }

    /// Runtime, threads and precision, such as `onnxruntime 1.32.0, 1 thread, fp32`, and the place of a remote device.
    pub fn describe(&self) -> String {
        let invented = if self.device.runtime == RuntimeKind::Fake {
            " (invented times)"
        } else {
            ""
        };
        let place = match (&self.device.agent, self.device.processor) {
            (Some(agent), _) => format!(", behind `{agent}`"),
            (None, Processor::Cuda) => format!(", {}", self.runtime.host().cpu),
            (None, Processor::Cpu) => String::new(),
        };
        format!(
            "{} {}{invented}, {}, {}{place}",
            self.runtime.name(),
            self.runtime.version(),
            units::threads(self.device.threads),
            self.device.precision.name()
        )
    }
}

/// Opens libtorch on this machine, in an agent: this program does not link it.
fn libtorch(device: &Device) -> Result<Box<dyn Runtime>, CliError> {
    let agent = AgentCommand {
        command: agent_command(device.processor)?,
        timeout: AgentCommand::TIMEOUT,
    };
    let device = Device {
        agent: Some(agent),
        ..device.clone()
    };
    let runtime = AgentRuntime::connect(&device, AgentOptions::default()).map_err(RuntimeError::from)?;
    Ok(Box::new(runtime))
}

/// Machine and runtime of a table: `Imaginary 9000, onnxruntime 1.32.0, 1 thread, fp32`.
pub fn measured_with(header: &TableHeader) -> String {
    format!(
        "{}, {} {}, {}, {}",
        header.host.cpu,
        header.runtime,
        header.runtime_version,
        units::threads(header.threads),
        header.precision.name()
    )
}

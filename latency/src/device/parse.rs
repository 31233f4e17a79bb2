//! Parser of device files.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::description::{AgentCommand, Device};
use super::kinds::{Precision, RuntimeKind};
use crate::error::LatencyError;
use crate::machine::Processor;
use crate::pipe::CommandLineError;

const FIELDS: &str = "a device has name, runtime (onnxruntime, litert, libtorch, tract, replay, published or fake), threads, precision (fp32 or int8), \
    processor (cpu or cuda), command, timeout and table";

/// Content of a device file before checks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevice {
    name: String,
    runtime: RuntimeKind,
    #[serde(default = "one")]
    threads: usize,
    #[serde(default)]
    precision: Precision,
    #[serde(default)]
    processor: Processor,
    command: Option<String>,
    timeout: Option<String>,
    table: Option<PathBuf>,
}

fn one() -> usize {
    1
}

/// Error in a field: its name, the value found, and the values accepted.
struct Fault(&'static str, String, &'static str);

/// Parses `text`; `file` is the name in error messages, and paths in it are relative to `folder`.
pub(super) fn device(text: &str, file: &str, folder: &Path) -> Result<Device, LatencyError> {
    let error = |line: usize, problem: String, expected: &str| LatencyError::DeviceConfig {
        file: file.to_owned(),
        line,
        problem,
        expected: expected.to_owned(),
    };
    let raw: RawDevice = mnas_space::parse_toml(text).map_err(|fault| error(fault.line, fault.problem, FIELDS))?;
    checked(raw, folder).map_err(|Fault(key, problem, expected)| {
        let is_key = |line: &str| {
            line.trim_start()
                .strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        let line = 1 + text.lines().position(is_key).unwrap_or(0);
        error(line, problem, expected)
    })
}

fn checked(raw: RawDevice, folder: &Path) -> Result<Device, Fault> {
    let RawDevice {
        name, runtime, threads, ..
    } = raw;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        let problem = format!("the name `{name}` cannot name a folder");
        return Err(Fault("name", problem, "expected letters, digits, - and _"));
    }
    if threads == 0 || threads > 1024 {
        return Err(Fault("threads", format!("{threads} threads"), "expected 1 to 1024"));
    }
    if runtime == RuntimeKind::Tract && threads > 1 {
        let problem = format!("{threads} threads with tract");
        return Err(Fault("threads", problem, "tract runs on one thread"));
    }
    if raw.precision == Precision::Int8 && runtime != RuntimeKind::LiteRt {
        let problem = format!("precision int8 with runtime {}", runtime.name());
        return Err(Fault("precision", problem, "the runtime with int8 is litert"));
    }
    if raw.processor == Processor::Cuda && !matches!(runtime, RuntimeKind::OnnxRuntime | RuntimeKind::LibTorch) {
        let problem = format!("processor cuda with runtime {}", runtime.name());
        return Err(Fault(
            "processor",
            problem,
            "runtimes with CUDA are onnxruntime and libtorch",
        ));
    }
    let agent = agent(raw.command.as_deref(), raw.timeout.as_deref())?;
    if agent.is_some() && matches!(runtime, RuntimeKind::Replay | RuntimeKind::Published) {
        let problem = format!("runtime {} with a command", runtime.name());
        return Err(Fault(
            "runtime",
            problem,
            "agents measure with onnxruntime, litert, libtorch, tract or fake",
        ));
    }
    if raw.table.is_some() != matches!(runtime, RuntimeKind::Replay | RuntimeKind::Published) {
        let expected = "runtimes replay and published, and no other, need `table`, the folder of a latency table";
        let key = if raw.table.is_some() { "table" } else { "runtime" };
        let problem = format!(
            "runtime {} {} a table",
            runtime.name(),
            if key == "table" { "with" } else { "without" }
        );
        return Err(Fault(key, problem, expected));
    }
    Ok(Device {
        name,
        runtime,
        threads,
        precision: raw.precision,
        processor: raw.processor,
        agent,
        table: raw.table.map(|table| joined(folder, &table)),
    })
}

fn agent(command: Option<&str>, timeout: Option<&str>) -> Result<Option<AgentCommand>, Fault> {
    let timeout = timeout
        .map(|text| {
            let duration = humantime::parse_duration(text)
                .ok()
                .filter(|duration| *duration > Duration::ZERO);
            duration.ok_or_else(|| Fault("timeout", format!("timeout `{text}`"), "expected a time such as 60s"))
        })
        .transpose()?;
    let Some(command) = command else {
        return match timeout {
            Some(_) => {
                let problem = "a timeout without a command".to_owned();
                Err(Fault("timeout", problem, "only devices with an agent have a timeout"))
            }
            None => Ok(None),
        };
    };
    let expected = "expected a program and its arguments, quoted as in a shell: command = \"ssh pi@host mnas-agent\"";
    let command = command
        .parse()
        .map_err(|error: CommandLineError| Fault("command", error.to_string(), expected))?;
    Ok(Some(AgentCommand {
        command,
        timeout: timeout.unwrap_or(AgentCommand::TIMEOUT),
    }))
}

/// Joins `path` to `folder` and resolves `..` textually, so that `folder` need not exist.
fn joined(folder: &Path, path: &Path) -> PathBuf {
    let mut joined = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::ParentDir if joined.file_name().is_some() => {
                joined.pop();
            }
            Component::CurDir => {}
            component => joined.push(component),
        }
    }
    joined
}

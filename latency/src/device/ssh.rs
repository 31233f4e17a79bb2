//! Devices given by an address `ssh:[user@]host[:port]` instead of a file.

use super::description::{AgentCommand, Device};
use super::kinds::{Precision, RuntimeKind};
use crate::error::LatencyError;
use crate::machine::Processor;
use crate::pipe::CommandLine;

/// Device at an address: ONNX Runtime on one thread, measured by the `mnas-agent` on the remote host's PATH.
///
/// ssh runs in `BatchMode`, without prompts, since the user may be absent: keys work, passwords do not. It detects a lost
/// connection within a minute.
pub(super) fn device(name: &str, address: &str) -> Result<Device, LatencyError> {
    let fault = |problem: &str| LatencyError::DeviceAddress {
        address: name.to_owned(),
        problem: problem.to_owned(),
    };
    let (user, rest) = match address.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, address),
    };
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    // A text that begins with a dash would be an option of ssh.
    let is_plain = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
    };
    if !is_plain(host) {
        return Err(fault("the host is not a name or an IPv4 address"));
    }
    if user.is_some_and(|user| !is_plain(user)) {
        return Err(fault("the user is not a name"));
    }
    let words = [
        "ssh",
        "-T",
        "-o",
        "BatchMode=yes",
        "-o",
        "ServerAliveInterval=15",
        "-o",
        "ServerAliveCountMax=4",
    ];
    let mut words: Vec<String> = words.map(str::to_owned).to_vec();
    if let Some(port) = port {
        if port.parse::<u16>().is_err() {
            return Err(fault("the port is not a number up to 65535"));
        }
        words.extend(["-p".to_owned(), port.to_owned()]);
    }
    let target = user.map_or_else(|| host.to_owned(), |user| format!("{user}@{host}"));
    words.extend([target, "mnas-agent".to_owned()]);
    Ok(Device {
        name: name.to_owned(),
        runtime: RuntimeKind::OnnxRuntime,
        threads: 1,
        precision: Precision::Float32,
        processor: Processor::Cpu,
        agent: Some(AgentCommand {
            command: CommandLine::new(words).map_err(|error| fault(&error.to_string()))?,
            timeout: AgentCommand::TIMEOUT,
        }),
        table: None,
    })
}

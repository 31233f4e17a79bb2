//! Devices: where networks run, and the facts that make a measurement comparable.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::LatencyError;

/// The devices that are built in: name and file.
const BUILT_IN: [(&str, &str); 2] = [
    ("host", include_str!("../../configs/devices/host.toml")),
    ("fake", include_str!("../../configs/devices/fake.toml")),
];

/// Where device files are looked for, relative to the working directory.
const FOLDER: &str = "configs/devices";

/// A place where networks run, with the runtime, threads and precision they run with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What people call it, and what its table's folder is called.
    pub name: String,
    /// What executes networks on it.
    pub runtime: RuntimeKind,
    /// How many threads one inference uses.
    #[serde(default = "one")]
    pub threads: usize,
    /// The type of weights and activations.
    #[serde(default)]
    pub precision: Precision,
}

fn one() -> usize {
    1
}

/// What executes networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuntimeKind {
    /// ONNX Runtime's CPU provider.
    #[serde(rename = "onnxruntime")]
    OnnxRuntime,
    /// [`crate::runtimes::FakeRuntime`]: invented times, for tests and trials.
    #[serde(rename = "fake")]
    Fake,
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

impl Device {
    /// The names of the built-in devices.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Finds a device: a path to a TOML file, else `configs/devices/<name>.toml` under the working directory, else
    /// a built-in one.
    pub fn open(name: &str) -> Result<Self, LatencyError> {
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
            return Self::parse(text, &format!("built-in device `{name}`"));
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
        Self::parse(&text, &path.display().to_string())
    }

    /// Parses a device from TOML; `file` is named in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self, LatencyError> {
        let device: Self = mnas_space::parse_toml(text).map_err(|error| {
            let expected = "a device has name, runtime (onnxruntime or fake), threads and precision (fp32)".to_owned();
            LatencyError::DeviceConfig {
                file: file.to_owned(),
                line: error.line,
                problem: error.problem,
                expected,
            }
        })?;
        device.check(text, file)
    }

    fn check(self, text: &str, file: &str) -> Result<Self, LatencyError> {
        let fault = |key: &str, problem: String, expected: &str| {
            let line = 1 + text
                .lines()
                .position(|line| line.trim_start().starts_with(key))
                .unwrap_or(0);
            Err(LatencyError::DeviceConfig {
                file: file.to_owned(),
                line,
                problem,
                expected: expected.to_owned(),
            })
        };
        if self.threads == 0 || self.threads > 1024 {
            return fault("threads", format!("{} threads", self.threads), "expected 1 to 1024");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(plain) {
            let problem = format!("the name `{}` cannot name a folder", self.name);
            return fault("name", problem, "expected letters, digits, - and _");
        }
        Ok(self)
    }
}

/// What this machine is, as far as it says so; kept with every table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    /// The processor's own name.
    pub cpu: String,
    /// Processors the system offers to this process.
    pub cores: usize,
    /// Instruction set, such as `x86_64`.
    pub architecture: String,
    /// Operating system, such as `linux`.
    pub os: String,
    /// Kernel release, where known.
    pub kernel: String,
}

const UNKNOWN: &str = "unknown";

impl HostFacts {
    /// Asks this machine.
    pub fn gather() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
        Self {
            cpu: cpu_name(&read("/proc/cpuinfo")).unwrap_or_else(|| UNKNOWN.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            architecture: std::env::consts::ARCH.to_owned(),
            os: std::env::consts::OS.to_owned(),
            kernel: if kernel.is_empty() { UNKNOWN.to_owned() } else { kernel },
        }
    }
}

/// The processor's name in `/proc/cpuinfo`: with family and model on x86, by part number on ARM boards.
fn cpu_name(cpuinfo: &str) -> Option<String> {
    let field = |name: &str| {
        let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        fields
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim())
    };
    let name = field("model name")
        .or_else(|| field("Model"))
        .or_else(|| field("Hardware"));
    let details = match (field("cpu family"), field("model"), field("CPU part")) {
        (Some(family), Some(model), _) => format!(" (family {family} model {model})"),
        (_, _, Some(part)) => format!(" (part {part})"),
        _ => String::new(),
    };
    name.map(|name| format!("{name}{details}"))
        .or_else(|| (!details.is_empty()).then(|| details.trim().to_owned()))
}

/// All that must be the same for a measurement to hold: what a table is checked against before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFingerprint {
    /// Name of the runtime.
    pub runtime: String,
    /// Its version.
    pub runtime_version: String,
    /// Threads per inference.
    pub threads: usize,
    /// Type of weights and activations.
    pub precision: Precision,
    /// Name of the processor.
    pub cpu: String,
}

impl DeviceFingerprint {
    /// The fingerprint of `device` when `runtime` executes on `host`.
    pub fn new(device: &Device, runtime: &dyn crate::runtime::Runtime, host: &HostFacts) -> Self {
        Self {
            runtime: runtime.name().to_owned(),
            runtime_version: runtime.version().to_owned(),
            threads: device.threads,
            precision: device.precision,
            cpu: host.cpu.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_devices_are_named_as_they_are_found() {
        for name in Device::built_in_names() {
            let (_, text) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name).unwrap();
            assert_eq!(Device::parse(text, name).unwrap().name, name);
        }
        let error = Device::open("toaster").unwrap_err().to_string();
        assert!(error.contains("toaster") && error.contains("host"), "{error}");
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let fault = |text: &str| Device::parse(text, "my.toml").unwrap_err().to_string();
        let unknown = fault("name = \"x\"\nruntime = \"fake\"\nthread = 2\n");
        assert!(
            unknown.starts_with("my.toml, line 3: unknown field `thread`"),
            "{unknown}"
        );
        let runtime = fault("name = \"x\"\nruntime = \"onnx\"\n");
        assert!(
            runtime.contains("line 2") && runtime.contains("onnxruntime"),
            "{runtime}"
        );
        let threads = fault("name = \"x\"\nruntime = \"fake\"\nthreads = 0\n");
        assert!(threads.contains("line 3: 0 threads"), "{threads}");
        let name = fault("name = \"../x\"\nruntime = \"fake\"\n");
        assert!(name.contains("line 1"), "{name}");
    }

    #[test]
    fn processors_are_named_on_x86_and_on_arm() {
        let x86 = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7B13\n";
        assert_eq!(cpu_name(x86).unwrap(), "AMD EPYC 7B13 (family 25 model 1)");
        let arm = "processor\t: 0\nCPU part\t: 0xd08\n\nModel\t\t: Raspberry Pi 4 Model B\n";
        assert_eq!(cpu_name(arm).unwrap(), "Raspberry Pi 4 Model B (part 0xd08)");
        assert_eq!(cpu_name(""), None);
        assert!(HostFacts::gather().cores >= 1);
    }
}

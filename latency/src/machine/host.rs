//! Facts about the machine on which a table was measured.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Processor that executes networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Processor {
    /// CPU.
    #[default]
    Cpu,
    /// First NVIDIA GPU.
    Cuda,
}

/// Facts about a machine, as far as the system reports them; stored in every table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    /// Name of the processor.
    pub cpu: String,
    /// Number of processors available to the process.
    pub cores: usize,
    /// Instruction set, such as `x86_64`.
    pub architecture: String,
    /// Operating system, such as `linux`.
    pub os: String,
    /// Kernel release; `unknown` if the system does not report it.
    pub kernel: String,
}

const UNKNOWN: &str = "unknown";

impl HostFacts {
    /// Reads the facts about this machine.
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

    /// Reads the facts about this machine; with [`Processor::Cuda`], `cpu` is the name of the GPU.
    pub fn of_processor(processor: Processor) -> Self {
        let mut facts = Self::gather();
        if processor == Processor::Cuda {
            facts.cpu = gpu_name(Path::new("/proc/driver/nvidia/gpus")).unwrap_or_else(|| "unknown GPU".to_owned());
        }
        facts
    }
}

/// Name of the first NVIDIA GPU, from the files of its driver.
fn gpu_name(gpus: &Path) -> Option<String> {
    let mut folders: Vec<_> = std::fs::read_dir(gpus)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    let text = std::fs::read_to_string(folders.first()?.join("information")).ok()?;
    let model = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
    Some(model.trim().to_owned())
}

/// Name of the processor from `/proc/cpuinfo`: with family and model on x86, with the part number on ARM boards.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_named_on_x86_and_on_arm() {
        let x86 = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7B13\n";
        assert_eq!(cpu_name(x86).unwrap(), "AMD EPYC 7B13 (family 25 model 1)");
        let arm = "processor\t: 0\nCPU part\t: 0xd08\n\nModel\t\t: Raspberry Pi 4 Model B\n";
        assert_eq!(cpu_name(arm).unwrap(), "Raspberry Pi 4 Model B (part 0xd08)");
        assert_eq!(cpu_name(""), None);
        assert!(HostFacts::gather().cores >= 1);
    }

    #[test]
    fn a_gpu_is_named_by_its_driver() {
        let folder = tempfile::tempdir().unwrap();
        let gpu = folder.path().join("0000:01:00.0");
        std::fs::create_dir(&gpu).unwrap();
        std::fs::write(gpu.join("information"), "Model: \t\t NVIDIA Imaginary 1\nIRQ: 5\n").unwrap();
        assert_eq!(gpu_name(folder.path()).unwrap(), "NVIDIA Imaginary 1");
        assert_eq!(gpu_name(&folder.path().join("none")), None);
    }
}

//! Where networks are trained.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tch::Device;

/// What trains: the processor, or a GPU of NVIDIA's by its number. Written `cpu`, `cuda:0`, or `cuda` for the first one.
///
/// On a GPU, convolutions and activations of a training are computed in 16-bit floats (bfloat16); weights, their gradients and
/// evaluations stay 32-bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum TrainDevice {
    /// The processor.
    #[default]
    Cpu,
    /// A GPU, from 0.
    Cuda(usize),
}

/// Why nothing can be trained there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainDeviceError {
    /// No such name.
    #[error("`{0}` is no device to train on; expected cpu, cuda, or cuda:N with the GPU's number from 0")]
    Name(String),
    /// The libtorch in use knows no CUDA.
    #[error(
        "{device}: the libtorch in use is made for CPUs alone{}; build mnas with a libtorch 2.11.0 for CUDA: set LIBTORCH to its \
         folder, or LIBTORCH_USE_PYTORCH=1 for the one of your Python's torch",
        found(.libraries.as_ref())
    )]
    NoCudaLibrary {
        /// What was asked for.
        device: TrainDevice,
        /// The folder of its libraries, where known.
        libraries: Option<PathBuf>,
    },
    /// libtorch finds no GPU.
    #[error(
        "{device}: libtorch finds no GPU; `nvidia-smi` says whether the driver does, and CUDA_VISIBLE_DEVICES may hide some"
    )]
    NoGpu {
        /// What was asked for.
        device: TrainDevice,
    },
    /// Fewer GPUs than that.
    #[error("{device}: there are {count} GPUs, counted from 0")]
    NoSuchGpu {
        /// What was asked for.
        device: TrainDevice,
        /// How many there are.
        count: usize,
    },
}

fn found(libraries: Option<&PathBuf>) -> String {
    libraries.map_or_else(String::new, |folder| {
        format!(" (no {CUDA_LIBRARY} in {})", folder.display())
    })
}

/// The part of libtorch that has to be loaded for CUDA. No symbol of it is asked for by name, so the linker leaves it out.
const CUDA_LIBRARY: &str = "libtorch_cuda.so";

impl TrainDevice {
    /// The device, after a look at whether it is there.
    pub fn open(self) -> Result<Device, TrainDeviceError> {
        let Self::Cuda(index) = self else {
            return Ok(Device::Cpu);
        };
        let count = tch::Cuda::device_count().max(0) as usize;
        if tch::Cuda::is_available() && index < count {
            // Shapes are the same at every step: the fastest algorithm is worth a look at all of them.
            tch::Cuda::cudnn_set_benchmark(true);
            return Ok(Device::Cuda(index));
        }
        let device = self;
        Err(match cuda_library() {
            _ if count > 0 => TrainDeviceError::NoSuchGpu { device, count },
            Some(_) => TrainDeviceError::NoGpu { device },
            None => TrainDeviceError::NoCudaLibrary {
                device,
                libraries: library_folder(),
            },
        })
    }
}

/// Where the CUDA part of the libtorch in use is, if it has one.
pub(crate) fn cuda_library() -> Option<PathBuf> {
    library_folder()
        .map(|folder| folder.join(CUDA_LIBRARY))
        .filter(|path| path.is_file())
}

/// The folder that the running libtorch came from.
fn library_folder() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps
        .lines()
        .filter_map(|line| line.find('/').map(|start| &line[start..]))
        .find(|path| path.ends_with("/libtorch_cpu.so"))?;
    PathBuf::from(path).parent().map(Into::into)
}

impl fmt::Display for TrainDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for TrainDevice {
    type Err = TrainDeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", index)) if index.bytes().all(|digit| digit.is_ascii_digit()) => index
                .parse()
                .map(Self::Cuda)
                .map_err(|_| TrainDeviceError::Name(text.to_owned())),
            _ => Err(TrainDeviceError::Name(text.to_owned())),
        }
    }
}

impl TryFrom<String> for TrainDevice {
    type Error = TrainDeviceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TrainDevice> for String {
    fn from(device: TrainDevice) -> Self {
        device.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, device) in [
            ("cpu", TrainDevice::Cpu),
            ("cuda:0", TrainDevice::Cuda(0)),
            ("cuda:11", TrainDevice::Cuda(11)),
        ] {
            assert_eq!(text.parse(), Ok(device));
            assert_eq!(device.to_string(), text);
            assert_eq!(serde_json::to_string(&device).unwrap(), format!("\"{text}\""));
        }
        assert_eq!("cuda".parse(), Ok(TrainDevice::Cuda(0)));
        for text in [
            "",
            "gpu",
            "CPU",
            "cuda:",
            "cuda:-1",
            "cuda:+1",
            "cuda:0:1",
            "cpu:0",
            "cuda:99999999999999999999",
        ] {
            assert_eq!(
                text.parse::<TrainDevice>(),
                Err(TrainDeviceError::Name(text.to_owned()))
            );
        }
    }

    #[test]
    fn a_processor_is_always_there_and_a_missing_gpu_has_a_remedy() {
        assert_eq!(TrainDevice::Cpu.open(), Ok(Device::Cpu));
        let error = TrainDevice::Cuda(4096).open().unwrap_err().to_string();
        assert!(error.starts_with("cuda:4096: "), "{error}");
        assert!(
            ["LIBTORCH", "nvidia-smi", "counted from 0"]
                .iter()
                .any(|remedy| error.contains(remedy)),
            "{error}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_running_libtorch_is_found() {
        // The library is loaded by its first use.
        assert!(tch::get_num_threads() > 0);
        assert!(library_folder().unwrap().join("libtorch_cpu.so").is_file());
    }
}

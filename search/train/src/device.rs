//! Opening of devices to train on.

use std::path::PathBuf;

use mnas_engine::training::TrainDevice;
use tch::Device;

/// A device that cannot be used for training.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainDeviceError {
    /// The loaded libtorch has no CUDA part.
    #[error(
        "{device}: the libtorch in use is built for CPUs only{}; build mnas with a libtorch 2.11.0 for CUDA: set LIBTORCH to its \
         folder, or LIBTORCH_USE_PYTORCH=1 for the one of your Python's torch",
        found(.libraries.as_ref())
    )]
    NoCudaLibrary {
        /// Device requested.
        device: TrainDevice,
        /// Folder of its libraries, where known.
        libraries: Option<PathBuf>,
    },
    /// libtorch finds no GPU.
    #[error(
        "{device}: libtorch finds no GPU; `nvidia-smi` lists those that the driver finds, and CUDA_VISIBLE_DEVICES may hide some"
    )]
    NoGpu {
        /// Device requested.
        device: TrainDevice,
    },
    /// The machine has fewer GPUs.
    #[error("{device}: there are {count} GPUs, counted from 0")]
    NoSuchGpu {
        /// Device requested.
        device: TrainDevice,
        /// Number of GPUs.
        count: usize,
    },
}

fn found(libraries: Option<&PathBuf>) -> String {
    libraries.map_or_else(String::new, |folder| {
        format!(" (no {CUDA_LIBRARY} in {})", folder.display())
    })
}

/// The part of libtorch for CUDA. No symbol of it is referenced, so the linker leaves it out.
const CUDA_LIBRARY: &str = "libtorch_cuda.so";

/// Opens a device; an error where this machine does not have it.
pub fn open_device(device: TrainDevice) -> Result<Device, TrainDeviceError> {
    let TrainDevice::Cuda(index) = device else {
        return Ok(Device::Cpu);
    };
    let count = tch::Cuda::device_count().max(0) as usize;
    if tch::Cuda::is_available() && index < count {
        // Shapes are the same at every step, which makes a search for the fastest algorithm worthwhile.
        tch::Cuda::cudnn_set_benchmark(true);
        return Ok(Device::Cuda(index));
    }
    Err(match cuda_library() {
        _ if count > 0 => TrainDeviceError::NoSuchGpu { device, count },
        Some(_) => TrainDeviceError::NoGpu { device },
        None => TrainDeviceError::NoCudaLibrary {
            device,
            libraries: library_folder(),
        },
    })
}

/// Library with the CUDA part of the loaded libtorch, if it has one.
pub fn cuda_library() -> Option<PathBuf> {
    library_folder()
        .map(|folder| folder.join(CUDA_LIBRARY))
        .filter(|path| path.is_file())
}

/// File that libtorch was loaded from (Linux).
pub(crate) fn loaded_library() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines()
        .filter_map(|line| line.find('/').map(|start| &line[start..]))
        .find(|path| path.ends_with("/libtorch_cpu.so"))
        .map(PathBuf::from)
}

/// Folder of the loaded libtorch.
fn library_folder() -> Option<PathBuf> {
    loaded_library()?.parent().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_always_there_and_a_missing_gpu_has_a_remedy() {
        assert_eq!(open_device(TrainDevice::Cpu), Ok(Device::Cpu));
        let error = open_device(TrainDevice::Cuda(4096)).unwrap_err().to_string();
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

//! Re-executes training processes with allocator and OpenMP settings and the CUDA part of libtorch.
//!
//! glibc by default returns every large block of memory to the system when it is freed, and a training step frees all its activations: at
//! the next step the system fills each page with zeros again. With 128 px images that is a third of the time. The CUDA part of libtorch
//! must be loaded with the program, since the linker leaves it out. Environment variables at the start of a process control both.

use std::ffi::OsString;
use std::path::PathBuf;

use mnas_engine::training::TrainDevice;

use crate::device::cuda_library;

/// Settings of glibc for a process that allocates the same blocks again and again: no block is mapped alone or returned.
const KEEP_MEMORY: [(&str, &str); 3] = [
    ("MALLOC_MMAP_MAX_", "0"),
    ("MALLOC_TRIM_THRESHOLD_", "1099511627776"),
    ("MALLOC_TOP_PAD_", "67108864"),
];

/// Settings of OpenMP: a thread that waits for others polls for a tenth of a millisecond, then sleeps. Small networks are thousands of
/// operations shorter than the wake-up of a thread, so that threads that sleep at once never help; threads that never sleep take cores
/// from those that make batches. GNU OpenMP needs the policy to keep polling where several threads start operations.
const POLLING: [(&str, &str); 2] = [("OMP_WAIT_POLICY", "ACTIVE"), ("GOMP_SPINCOUNT", "10000")];

const PRELOAD: &str = "LD_PRELOAD";

/// The CUDA part of libtorch cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{device}: {} cannot be loaded from a path with a space or a colon; move libtorch, or make a link to it", library.display()
)]
pub struct PreloadError {
    /// Device that needs it.
    pub device: TrainDevice,
    /// The library.
    pub library: PathBuf,
}

/// Re-executes this process, under the same process id, with the variables above that are not set; returns if all are set.
///
/// To be called before anything else. Where the re-execution fails, trainings are slower, and opening a GPU reports its absence.
pub fn prepare_process(device: TrainDevice) -> Result<(), PreloadError> {
    let variables = missing(device, &|name| std::env::var_os(name))?;
    if !variables.is_empty() {
        re_execute(variables);
    }
    Ok(())
}

/// Variables that are not set; those that the user set are kept.
fn missing(
    device: TrainDevice,
    value_of: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Vec<(&'static str, OsString)>, PreloadError> {
    let mut variables: Vec<(&str, OsString)> = Vec::new();
    if cfg!(all(target_os = "linux", target_env = "gnu"))
        && KEEP_MEMORY.iter().all(|(name, _)| value_of(name).is_none())
    {
        variables.extend(KEEP_MEMORY.map(|(name, value)| (name, value.into())));
    }
    if POLLING.iter().all(|(name, _)| value_of(name).is_none()) {
        variables.extend(POLLING.map(|(name, value)| (name, value.into())));
    }
    if device != TrainDevice::Cpu
        && !tch::Cuda::is_available()
        && let Some(library) = cuda_library()
    {
        let path = library.to_string_lossy().into_owned();
        if path.contains([' ', ':']) {
            return Err(PreloadError { device, library });
        }
        let before = value_of(PRELOAD).unwrap_or_default().to_string_lossy().into_owned();
        if !before.contains(&path) {
            variables.push((PRELOAD, format!("{path} {before}").trim().into()));
        }
    }
    Ok(variables)
}

#[cfg(target_os = "linux")]
fn re_execute(variables: Vec<(&str, OsString)>) {
    use std::os::unix::process::CommandExt;
    let mut arguments = std::env::args_os();
    // Lists of processes show this path.
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let error = command.args(arguments).envs(variables).exec();
    tracing::debug!("not re-executed: {error}");
}

#[cfg(not(target_os = "linux"))]
fn re_execute(_variables: Vec<(&str, OsString)>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn a_process_is_re_executed_once_and_the_users_settings_stay() {
        let names =
            |variables: &[(&'static str, OsString)]| variables.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let first = missing(TrainDevice::Cpu, &|_| None).unwrap();
        assert_eq!(
            names(&first),
            [
                "MALLOC_MMAP_MAX_",
                "MALLOC_TRIM_THRESHOLD_",
                "MALLOC_TOP_PAD_",
                "OMP_WAIT_POLICY",
                "GOMP_SPINCOUNT"
            ]
        );
        let then = |name: &str| {
            first
                .iter()
                .find(|(set, _)| *set == name)
                .map(|(_, value)| value.clone())
        };
        assert!(missing(TrainDevice::Cpu, &then).unwrap().is_empty());
        let user = |name: &str| {
            ["MALLOC_TOP_PAD_", "OMP_WAIT_POLICY"]
                .contains(&name)
                .then(|| "1".into())
        };
        assert!(missing(TrainDevice::Cpu, &user).unwrap().is_empty());
    }
}

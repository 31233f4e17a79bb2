//! What must be so from the first moment of a process that trains, and so by starting it again with other variables.
//!
//! glibc by default gives every large block of memory back to the system when it is freed, and a training step frees all its
//! activations: at the next step the system fills each page with zeros again. With 128 px images that was a third of the time.
//! And the CUDA part of libtorch must be loaded with the program; the linker leaves it out.

use std::ffi::OsString;

use super::error::CliError;
use mnas_engine::training::TrainDevice;
use mnas_train::cuda_library;

/// glibc's settings for a process that allocates the same blocks again and again: nothing is mapped alone, nothing is given back.
const KEEP_MEMORY: [(&str, &str); 3] = [
    ("MALLOC_MMAP_MAX_", "0"),
    ("MALLOC_TRIM_THRESHOLD_", "1099511627776"),
    ("MALLOC_TOP_PAD_", "67108864"),
];

/// A thread that waits for others looks again for a tenth of a millisecond and sleeps then. Small networks are thousands of operations
/// shorter than it takes to wake a thread, so that one that sleeps at once never helps; one that never sleeps takes the cores from those that
/// make batches. The policy has GNU OpenMP keep some of that patience where several threads start operations.
const PATIENCE: [(&str, &str); 2] = [("OMP_WAIT_POLICY", "ACTIVE"), ("GOMP_SPINCOUNT", "10000")];

const PRELOAD: &str = "LD_PRELOAD";

/// The variables that are missing; what the user set stays.
fn missing(
    device: TrainDevice,
    is_set: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Vec<(&'static str, OsString)>, CliError> {
    let mut variables: Vec<(&str, OsString)> = Vec::new();
    if cfg!(all(target_os = "linux", target_env = "gnu")) && KEEP_MEMORY.iter().all(|(name, _)| is_set(name).is_none())
    {
        variables.extend(KEEP_MEMORY.map(|(name, value)| (name, value.into())));
    }
    if PATIENCE.iter().all(|(name, _)| is_set(name).is_none()) {
        variables.extend(PATIENCE.map(|(name, value)| (name, value.into())));
    }
    if device != TrainDevice::Cpu
        && !tch::Cuda::is_available()
        && let Some(library) = cuda_library()
    {
        let library = library.to_string_lossy().into_owned();
        if library.contains([' ', ':']) {
            return Err(CliError::failure(format!(
                "{device}: {library} cannot be loaded from a path with a space or a colon; move libtorch, or make a link to it"
            )));
        }
        let before = is_set(PRELOAD).unwrap_or_default().to_string_lossy().into_owned();
        if !before.contains(&library) {
            variables.push((PRELOAD, format!("{library} {before}").trim().into()));
        }
    }
    Ok(variables)
}

/// Starts the process again, as the same process of the system, where variables are missing. To be called before anything else is done.
pub fn prepare(device: TrainDevice) -> Result<(), CliError> {
    let variables = missing(device, &|name| std::env::var_os(name))?;
    if !variables.is_empty() {
        again(variables);
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn again(variables: Vec<(&str, OsString)>) {
    use std::os::unix::process::CommandExt;
    let mut arguments = std::env::args_os();
    // By its path, which lists of processes show.
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // It comes back only where that fails; then the training is slower, and a GPU's absence is reported when it is opened.
    let error = command.args(arguments).envs(variables).exec();
    tracing::debug!("not started again: {error}");
}

#[cfg(not(target_os = "linux"))]
fn again(_variables: Vec<(&str, OsString)>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn a_process_is_started_again_once_and_the_users_settings_stay() {
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

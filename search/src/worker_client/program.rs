//! Search for the program `mnas-worker`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use mnas_engine::training::TrainDevice;
use mnas_latency::Processor;
use mnas_latency::pipe::CommandLine;

use super::error::{PROGRAM, VARIABLE, WorkerError};

/// Path of the program: beside the running one, else on the PATH, else in the variable `MNAS_WORKER`.
pub fn program() -> Result<PathBuf, WorkerError> {
    let running = std::env::current_exe().unwrap_or_default();
    let folder = running.parent().unwrap_or(Path::new("")).to_path_buf();
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    find(&folder, variable("PATH"), variable(VARIABLE)).ok_or(WorkerError::NotFound { folder })
}

#[expect(clippy::needless_pass_by_value, reason = "the variables are read for this call")]
fn find(folder: &Path, path: Option<OsString>, variable: Option<OsString>) -> Option<PathBuf> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let folders = path.iter().flat_map(std::env::split_paths);
    std::iter::once(folder.to_path_buf())
        .chain(folders)
        .map(|folder| folder.join(&name))
        .chain(variable.map(PathBuf::from))
        .find(|program| program.is_file())
}

/// Command of a worker that trains on `device`.
pub fn command(device: TrainDevice) -> Result<CommandLine, WorkerError> {
    let arguments = ["serve".to_owned(), "--train-device".to_owned(), device.to_string()];
    Ok(program_command()?.with_arguments(arguments))
}

/// Command of an agent that measures latencies with libtorch on `processor`.
pub fn agent_command(processor: Processor) -> Result<CommandLine, WorkerError> {
    let cuda = (processor == Processor::Cuda).then_some("--cuda");
    Ok(program_command()?.with_arguments(["agent"]).with_arguments(cuda))
}

fn program_command() -> Result<CommandLine, WorkerError> {
    Ok(CommandLine::new([program()?.to_string_lossy()])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_beside_the_running_one_comes_first_then_the_path_then_the_variable() {
        let place = tempfile::tempdir().unwrap();
        let program = |folder: &str| {
            let program = place
                .path()
                .join(folder)
                .join(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
            std::fs::create_dir_all(program.parent().unwrap()).unwrap();
            std::fs::write(&program, "").unwrap();
            program
        };
        let (beside, path) = (place.path().join("bin"), place.path().join("path"));
        let path_variable = std::env::join_paths([place.path().join("nothing"), path]).unwrap();
        let own = place.path().join("own");
        let found = || find(&beside, Some(path_variable.clone()), Some(own.clone().into()));
        assert_eq!(found(), None);
        std::fs::write(&own, "").unwrap();
        assert_eq!(found(), Some(own.clone()));
        let on_path = program("path");
        assert_eq!(found(), Some(on_path));
        let first = program("bin");
        assert_eq!(found(), Some(first));
    }

    #[test]
    fn a_program_that_is_missing_has_a_remedy() {
        let error = WorkerError::NotFound {
            folder: "/opt/mnas/bin".into(),
        };
        let text = error.to_string();
        for part in ["mnas-worker", "/opt/mnas/bin", "cargo mnas install", "MNAS_WORKER"] {
            assert!(text.contains(part), "{text}");
        }
    }
}

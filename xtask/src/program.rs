//! `cargo mnas`: builds the programs if necessary and runs `mnas`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, SystemTime};

use crate::environment::{self, Environment};
use crate::error::{Error, Result};

/// Program of the workspace.
struct Program {
    name: &'static str,
    package: &'static str,
}

/// Programs: `mnas`, and `mnas-worker`, which `mnas` starts for training and for measuring with libtorch.
const PROGRAMS: [Program; 2] = [
    Program {
        name: "mnas",
        package: "mnas-search",
    },
    Program {
        name: "mnas-worker",
        package: "mnas-train",
    },
];

impl Program {
    /// Path of the program, in the folder of the running one, which depends on cargo's target folder.
    fn path(&self) -> Result<PathBuf> {
        let own =
            std::env::current_exe().map_err(|error| Error::io("find", Path::new("the running program"), &error))?;
        Ok(own.with_file_name(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX)))
    }
}

/// Sets up and builds the programs; returns the path of `mnas`, or the exit code of a failed build.
pub fn built() -> Result<std::result::Result<PathBuf, ExitCode>> {
    environment::check_compiler()?;
    let environment = Environment::provide(false)?;
    Ok(match build(&environment, are_fresh()?)? {
        Some(failed) => Err(failed),
        None => Ok(PROGRAMS[0].path()?),
    })
}

/// Sets up, builds and runs `mnas` with these arguments in the caller's working directory; returns only if it cannot be started.
pub fn mnas(arguments: &[OsString]) -> Result<ExitCode> {
    let binary = PROGRAMS[0].path()?;
    let fresh = are_fresh()?;
    if !fresh {
        environment::check_compiler()?;
    }
    let environment = Environment::provide(false)?;
    if let Some(failed) = build(&environment, fresh)? {
        return Ok(failed);
    }
    let mut command = Command::new(&binary);
    command.args(arguments).envs(environment.variables());
    environment::forget_own_package(&mut command);
    become_command(command, &binary)
}

/// Installs both programs; the installed programs need no environment variables.
pub fn install(arguments: &[OsString]) -> Result<ExitCode> {
    let root = match arguments {
        [] => default_root()?,
        [flag, folder] if flag == "--root" => PathBuf::from(folder),
        _ => {
            return Err(Error::new(
                "unknown arguments of `cargo mnas install`",
                "usage: cargo mnas install [--root DIR]; it installs DIR/bin/mnas and DIR/bin/mnas-worker, DIR being cargo's own folder if not given",
            ));
        }
    };
    environment::check_compiler()?;
    let environment = Environment::provide(false)?;
    if let Some(failed) = build(&environment, are_fresh()?)? {
        return Ok(failed);
    }
    // `cargo install` would build each program separately, with different features of shared dependencies, and compile all again.
    for program in &PROGRAMS {
        let installed = install_file(&program.path()?, &root.join("bin"))?;
        eprintln!("installed {}", installed.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Default folder of `cargo install`: `CARGO_INSTALL_ROOT`, else `CARGO_HOME`, else `~/.cargo`.
fn default_root() -> Result<PathBuf> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    variable("CARGO_INSTALL_ROOT")
        .or_else(|| variable("CARGO_HOME"))
        .or_else(|| Some(variable("HOME")?.join(".cargo")))
        .ok_or_else(|| {
            Error::new(
                "no folder for the installation is known",
                "choose one: cargo mnas install --root DIR",
            )
        })
}

/// Copies a program to a folder and returns its new path. An existing program, which may be running, is replaced by a rename.
fn install_file(program: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, &error))?;
    let target = folder.join(program.file_name().unwrap_or_default());
    let partial = target.with_extension("partial");
    fs::copy(program, &partial).map_err(|error| Error::io("write", &partial, &error))?;
    fs::rename(&partial, &target).map_err(|error| Error::io("rename", &partial, &error))?;
    Ok(target)
}

/// Builds the programs; returns the exit code if the build fails. Prints nothing if the build is up to date.
fn build(environment: &Environment, fresh: bool) -> Result<Option<ExitCode>> {
    let mut command = build_command(environment);
    if fresh {
        command.arg("--quiet");
    } else {
        eprintln!("building mnas; the first time takes several minutes");
    }
    let start = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| Error::io("start", Path::new("cargo"), &error))?;
    let mut told = !fresh;
    let status = loop {
        if let Some(status) = child
            .try_wait()
            .map_err(|error| Error::io("wait for", Path::new("cargo"), &error))?
        {
            break status;
        }
        if !told && start.elapsed() > Duration::from_secs(2) {
            eprintln!("building mnas");
            told = true;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Ok((!status.success()).then(|| exit_code(status)))
}

/// Creates the command `cargo build` for both programs.
pub fn build_command(environment: &Environment) -> Command {
    let mut command = environment.cargo();
    command.args(["build", "--release", "--locked"]);
    for program in &PROGRAMS {
        command.args(["-p", program.package, "--bin", program.name]);
    }
    command
}

fn are_fresh() -> Result<bool> {
    for program in &PROGRAMS {
        if !is_fresh(&program.path()?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Estimates from cargo's dependency file whether the build is up to date. The result affects only the output.
fn is_fresh(binary: &Path) -> bool {
    let newer = |path: &Path, than: SystemTime| modified(path).is_none_or(|time| time > than);
    let Some(built) = modified(binary) else { return false };
    let Ok(text) = fs::read_to_string(binary.with_extension("d")) else {
        return false;
    };
    let mut sources = dependencies(&text);
    if !sources.iter().any(|path| path.starts_with(environment::workspace())) {
        return false;
    }
    sources.extend(["Cargo.lock", "Cargo.toml"].map(|name| environment::workspace().join(name)));
    !sources.iter().any(|path| newer(path, built))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// Parses the prerequisites of a one-line Makefile rule, in which `\ ` is a space within a path.
fn dependencies(text: &str) -> Vec<PathBuf> {
    let Some((_, list)) = text.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let list = list.replace("\\ ", "\0");
    list.split_whitespace()
        .map(|path| path.replace('\0', " ").into())
        .collect()
}

/// Exit code of a finished command; termination by a signal counts as failure.
pub fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Replaces this process with the program, which then receives signals and determines the exit code.
#[cfg(unix)]
fn become_command(mut command: Command, binary: &Path) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(Error::io("start", binary, &command.exec()))
}

#[cfg(not(unix))]
fn become_command(command: Command, _binary: &Path) -> Result<ExitCode> {
    Ok(exit_code(environment::run(command)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dependency_file_is_read_with_spaces_in_paths() {
        let text = "/t/release/mnas: /a/src/main.rs /a\\ b/src/lib.rs\n\n/a/src/main.rs:\n";
        assert_eq!(
            dependencies(text),
            [PathBuf::from("/a/src/main.rs"), PathBuf::from("/a b/src/lib.rs")]
        );
        assert!(dependencies("").is_empty());
    }

    #[test]
    fn an_installed_program_replaces_the_former_one() {
        let place = tempfile::tempdir().unwrap();
        let built = place.path().join("mnas");
        let folder = place.path().join("root/bin");
        for content in ["old", "new"] {
            fs::write(&built, content).unwrap();
            let installed = install_file(&built, &folder).unwrap();
            assert_eq!(fs::read_to_string(installed).unwrap(), content);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_program_that_was_never_built_is_not_fresh() {
        assert!(!is_fresh(Path::new("no/such/mnas")));
    }
}

//! `cargo mnas`: builds the program when it has to be built and becomes it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, SystemTime};

use crate::environment::{self, Environment};
use crate::error::{Error, Result};

/// The program, set up and built; or the exit code of a failed build.
pub fn built() -> Result<std::result::Result<PathBuf, ExitCode>> {
    let binary = binary()?;
    environment::check_compiler()?;
    let environment = Environment::provide(false)?;
    Ok(match build(&environment, is_fresh(&binary))? {
        Some(failed) => Err(failed),
        None => Ok(binary),
    })
}

/// Sets up, builds and runs `mnas` with these arguments in the caller's folder; comes back only if it could not be started.
pub fn mnas(arguments: &[OsString]) -> Result<ExitCode> {
    let binary = binary()?;
    let fresh = is_fresh(&binary);
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

/// Puts a `mnas` that needs no environment variables on the PATH.
pub fn install(arguments: &[OsString]) -> Result<ExitCode> {
    let root = match arguments {
        [] => None,
        [flag, folder] if flag == "--root" => Some(folder),
        _ => {
            return Err(Error::new(
                "unknown arguments of `cargo mnas install`",
                "usage: cargo mnas install [--root DIR]; it installs DIR/bin/mnas, DIR being cargo's own folder if not given",
            ));
        }
    };
    environment::check_compiler()?;
    let environment = Environment::provide(false)?;
    if let Some(failed) = build(&environment, is_fresh(&binary()?))? {
        return Ok(failed);
    }
    // Everything is built; without `--offline` cargo would still ask the index for news.
    let mut command = environment.cargo();
    command.args([
        "install",
        "--path",
        "search",
        "--bin",
        "mnas",
        "--locked",
        "--offline",
        "--force",
    ]);
    if let Some(folder) = root {
        let folder = std::path::absolute(folder).map_err(|error| Error::io("resolve", Path::new(folder), &error))?;
        command.arg("--root").arg(folder);
    }
    Ok(exit_code(environment::run(command)?))
}

/// Builds the program; gives the exit code of a failed build. Says nothing if there is nothing to do.
fn build(environment: &Environment, fresh: bool) -> Result<Option<ExitCode>> {
    let mut command = environment.cargo();
    command.args(["build", "--release", "--locked", "-p", "mnas-search", "--bin", "mnas"]);
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

/// The program lies beside this one, in whatever target folder cargo was told to use.
fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(|error| Error::io("find", Path::new("the running program"), &error))?;
    Ok(own.with_file_name(format!("mnas{}", std::env::consts::EXE_SUFFIX)))
}

/// Guesses from cargo's dependency file whether a build has nothing to do, only to decide how much it should say.
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

/// The prerequisites in a Makefile rule of one line; a space inside a path is written `\ `.
fn dependencies(text: &str) -> Vec<PathBuf> {
    let Some((_, list)) = text.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let list = list.replace("\\ ", "\0");
    list.split_whitespace()
        .map(|path| path.replace('\0', " ").into())
        .collect()
}

/// The exit code of a finished command; a command that a signal ended counts as a failure.
pub fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Replaces this process, so that signals and the exit code are the program's own.
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
    fn a_program_that_was_never_built_is_not_fresh() {
        assert!(!is_fresh(Path::new("no/such/mnas")));
    }
}

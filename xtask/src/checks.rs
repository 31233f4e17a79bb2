//! Commands that test and lint the workspace: `cargo xtask test`, `lint` and `ci`.

use std::ffi::OsString;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use crate::environment::{self, Environment};
use crate::error::{Error, Result};
use crate::program::{build_command, exit_code};

/// Sets up, builds the programs that the end-to-end tests run, and runs all tests of the workspace. Passes the arguments to
/// `cargo test`.
pub fn test(arguments: &[OsString]) -> Result<ExitCode> {
    environment::check_compiler()?;
    let environment = Environment::provide(false)?;
    if runs_programs(arguments) {
        let built = step("build", build_command(&environment))?;
        if built != ExitCode::SUCCESS {
            return Ok(built);
        }
    }
    let mut command = environment.cargo();
    // In the workspace's root, this tests all packages, unless the arguments contain `-p PACKAGE`.
    command.args(["test", "--release", "--locked"]).args(arguments);
    step("tests", command)
}

/// Returns true if `cargo test` with these arguments includes the tests that run the programs.
fn runs_programs(arguments: &[OsString]) -> bool {
    let mut packages = arguments
        .windows(2)
        .filter(|pair| pair[0] == "-p" || pair[0] == "--package")
        .map(|pair| &pair[1])
        .peekable();
    packages.peek().is_none() || packages.any(|package| package == "mnas-search")
}

/// Checks the formatting of all sources and runs clippy; a warning is a failure.
pub fn lint() -> Result<ExitCode> {
    need("fmt", "rustfmt")?;
    need("clippy", "clippy")?;
    let mut format = environment::cargo();
    format.args(["fmt", "--all", "--check"]);
    let formatted = step("formatting", format)?;
    if formatted != ExitCode::SUCCESS {
        eprintln!("help: `cargo fmt --all` formats the sources");
        return Ok(formatted);
    }
    environment::check_compiler()?;
    let mut clippy = Environment::provide(false)?.cargo();
    clippy.args([
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]);
    step("lints", clippy)
}

/// Runs all checks that a change must pass: tests, then lints.
pub fn ci() -> Result<ExitCode> {
    let tested = test(&[])?;
    if tested != ExitCode::SUCCESS {
        return Ok(tested);
    }
    lint()
}

fn step(name: &str, command: std::process::Command) -> Result<ExitCode> {
    let start = Instant::now();
    let status = environment::run(command)?;
    let outcome = if status.success() { "passed" } else { "failed" };
    eprintln!("{name} {outcome} after {:.0} s", start.elapsed().as_secs_f64());
    Ok(exit_code(status))
}

fn need(subcommand: &str, component: &str) -> Result<()> {
    let mut command = environment::cargo();
    command
        .args([subcommand, "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if environment::run(command)?.success() {
        return Ok(());
    }
    Err(Error::new(
        format!("this Rust toolchain has no {component}"),
        format!("install it: rustup component add {component} (or your distribution's package of that name)"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_built_for_the_tests_that_run_them() {
        let runs = |words: &[&str]| runs_programs(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(runs(&[]) && runs(&["--", "images"]) && runs(&["-p", "mnas-space", "--package", "mnas-search"]));
        assert!(!runs(&["-p", "mnas-space"]) && !runs(&["--package", "mnas-train", "data"]));
    }
}

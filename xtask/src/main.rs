//! Commands of the workspace, with two aliases in `.cargo/config.toml`: `cargo mnas ARGS` runs the program, `cargo xtask COMMAND` works on
//! the project. Each command does the set-up that it needs: libtorch, ONNX Runtime and LiteRT are unpacked once from pinned Python wheels
//! into a cache outside the clone ([`cache`]); afterwards no command needs the network.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program for people"
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bench;
mod cache;
mod checks;
mod digest;
mod environment;
mod error;
mod interruptions;
mod libtorch;
mod litert;
mod marker;
mod onnxruntime;
mod platform;
mod program;
mod progress;
mod unpack;
mod wheel;

use std::ffi::OsString;
use std::process::ExitCode;

use environment::Environment;
use error::{Error, Result};

const HELP: &str = "\
Set-up, build, test and lint commands of the mnas workspace

cargo mnas ARGS...            set up if needed, build if needed, run `mnas ARGS...`
cargo mnas install [--root DIR]
                              install `mnas` and `mnas-worker` into DIR/bin (cargo's own folder if not given); they then need no
                              set-up and no variables

cargo xtask setup [--verify]  set up libtorch, ONNX Runtime and LiteRT only; --verify compares the hash of every file and repairs
cargo xtask env               print the variables that plain cargo needs: eval \"$(cargo xtask env)\"
cargo xtask test [ARGS...]    set up, build `mnas` and `mnas-worker`, then `cargo test --release --locked ARGS...`
cargo xtask lint              formatting and clippy; a warning is a failure
cargo xtask ci                test, then lint
cargo xtask bench [--python PROGRAM] [--pairs N] [--data FOLDER]
                              compare training throughput with PyTorch, in alternating runs; PROGRAM is a Python with torch and
                              torchvision, FOLDER a data set whose reading is compared as well
cargo xtask kills [--kills N] [--seed N] [--data PATH] [--images N] [--mnas PROGRAM]
                              run a search undisturbed, then again while its processes are killed (kill -9) at N random moments (50) and
                              it is continued each time; fails unless trials, front and files are the same and no process is left
cargo xtask slurm [--data PATH] [--images N] [--mnas PROGRAM]
                              run a search on a Slurm cluster of two nodes, started on this machine as root, kill one node, and compare
                              with local workers

Set-up downloads about 0.6 GB once, with Python's pip from its configured package index, checks every file against a pinned SHA-256,
and unpacks 0.5 GB into the cache. Environment variables:
  MNAS_CACHE                  the cache folder (default: $XDG_CACHE_HOME/mnas, else ~/.cache/mnas)
  LIBTORCH                    your own libtorch 2.11.0, with lib/ and include/, instead of downloading it
  LIBTORCH_USE_PYTORCH=1      use the torch 2.11.0 of your Python instead of downloading libtorch
  ORT_DYLIB_PATH              your own ONNX Runtime library (1.17 or newer)
  LITERT_DYLIB_PATH           your own LiteRT library (2.1.6 or newer)
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[OsString]) -> Result<ExitCode> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.to_string_lossy(), rest),
        None => ("--help".into(), arguments),
    };
    match (&*command, rest) {
        ("mnas", [first, rest @ ..]) if first == "install" => program::install(rest),
        ("mnas", rest) => program::mnas(rest),
        ("setup", []) => setup(false),
        ("setup", [flag]) if flag == "--verify" => setup(true),
        ("env", []) => print_environment(),
        ("test", rest) => checks::test(rest),
        ("lint", []) => checks::lint(),
        ("ci", []) => checks::ci(),
        ("bench", rest) => bench::bench(rest),
        ("slurm", rest) => interruptions::slurm(rest),
        ("kills", rest) => interruptions::kills(rest),
        ("help" | "--help" | "-h", _) => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(Error::new(
            format!("unknown command `{}`", arguments.join(" ".as_ref()).to_string_lossy()),
            "`cargo xtask --help` lists the commands",
        )),
    }
}

fn setup(thorough: bool) -> Result<ExitCode> {
    let environment = Environment::provide(thorough)?;
    match environment.libtorch.folder() {
        Some(folder) => println!("libtorch {}: {}", libtorch::VERSION, folder.display()),
        None => println!("libtorch {}: the one of your Python's torch", libtorch::VERSION),
    }
    println!("ONNX Runtime: {}", environment.onnxruntime.display());
    println!("LiteRT: {}", environment.litert.display());
    Ok(ExitCode::SUCCESS)
}

fn print_environment() -> Result<ExitCode> {
    for (name, value) in Environment::provide(false)?.variables() {
        println!("export {name}={}", shell_quoted(&value.to_string_lossy()));
    }
    Ok(ExitCode::SUCCESS)
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_the_shell() {
        assert_eq!(shell_quoted("/a b/it's"), r"'/a b/it'\''s'");
    }

    #[test]
    fn an_unknown_command_points_to_the_help() {
        let error = dispatch(&["frobnicate".into(), "x".into()]).unwrap_err().to_string();
        assert!(error.contains("`frobnicate x`") && error.contains("--help"), "{error}");
    }
}

//! Environment of builds and tests, and cargo commands with it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::libtorch::{Libtorch, asks_for_pytorch};
use crate::{litert, onnxruntime};

/// Libraries for builds and tests: libtorch, ONNX Runtime and LiteRT.
pub struct Environment {
    /// Source of libtorch.
    pub libtorch: Libtorch,
    /// Path of ONNX Runtime's shared library.
    pub onnxruntime: PathBuf,
    /// Path of LiteRT's shared library.
    pub litert: PathBuf,
}

impl Environment {
    /// Finds or sets up all libraries; `thorough` compares the hashes of all files that already exist.
    pub fn provide(thorough: bool) -> Result<Self> {
        let cache = Cache::from_environment()?;
        let libtorch = Libtorch::provide(&cache, thorough)?;
        let onnxruntime = onnxruntime::provide(&cache, thorough)?;
        let litert = litert::provide(&cache, thorough)?;
        Ok(Self {
            libtorch,
            onnxruntime,
            litert,
        })
    }

    /// Environment variables that plain cargo needs.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut variables = vec![
            ("ORT_DYLIB_PATH", self.onnxruntime.clone().into()),
            ("LITERT_DYLIB_PATH", self.litert.clone().into()),
        ];
        if let Some(folder) = self.libtorch.folder() {
            variables.push(("LIBTORCH", folder.into()));
        }
        variables
    }

    /// Creates a cargo command in the workspace's root with these variables.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.envs(self.variables());
        if !asks_for_pytorch(std::env::var("LIBTORCH_USE_PYTORCH").ok().as_deref()) {
            command.env_remove("LIBTORCH_USE_PYTORCH");
        }
        command
    }
}

/// Creates a cargo command in the workspace's root, without the variables that the outer cargo set for this package.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    forget_own_package(&mut command);
    command
}

/// Removes the variables that `cargo run` sets for the xtask package from a command's environment, since they do not apply to the
/// child process.
pub fn forget_own_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let own = ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|prefix| text.starts_with(prefix));
        if own || text == "CARGO" {
            command.env_remove(&name);
        }
    }
}

/// Root of the workspace, as at compile time.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is in a folder of the workspace")
}

/// Runs a command to completion and returns its exit status.
pub fn run(mut command: Command) -> Result<ExitStatus> {
    let program = PathBuf::from(command.get_program());
    command.status().map_err(|error| Error::io("start", &program, &error))
}

/// Checks, before any download, that the C++ part of tch can be compiled on this machine.
pub fn check_compiler() -> Result<()> {
    let chosen = |(name, _): &(OsString, OsString)| {
        let name = name.to_string_lossy();
        name == "CXX" || name.starts_with("CXX_") || name == "HOST_CXX" || name == "TARGET_CXX"
    };
    if std::env::vars_os().any(|variable| chosen(&variable)) {
        return Ok(());
    }
    let found = Command::new("c++")
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::new(
            "there is no C++ compiler (c++) on the PATH, which the libtorch binding needs",
            "install one (for example: apt install g++, or xcode-select --install), or choose one with CXX=<compiler>",
        )),
        _ => Ok(()),
    }
}

//! Environment of builds and tests, and the start of cargo in it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::libtorch::{Libtorch, asks_for_pytorch};
use crate::{litert, onnxruntime};

/// libtorch, ONNX Runtime and LiteRT, found or set up.
pub struct Environment {
    /// Source of libtorch.
    pub libtorch: Libtorch,
    /// The path of ONNX Runtime's shared library.
    pub onnxruntime: PathBuf,
    /// Path of LiteRT's shared library.
    pub litert: PathBuf,
}

impl Environment {
    /// Finds or sets up everything; `thorough` compares the hashes of all files that lie there already.
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

    /// The variables that a plain cargo needs.
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

    /// cargo in the workspace's root with these variables.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.envs(self.variables());
        if !asks_for_pytorch(std::env::var("LIBTORCH_USE_PYTORCH").ok().as_deref()) {
            command.env_remove("LIBTORCH_USE_PYTORCH");
        }
        command
    }
}

/// cargo in the workspace's root, without the variables that the cargo which started us set for this crate only.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    forget_own_package(&mut command);
    command
}

/// Removes from a command's environment what `cargo run` says about the xtask package; none of it is true of the child.
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

/// The workspace's root, where this crate was compiled.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in a folder of the workspace")
}

/// Runs a command to its end and gives its exit status.
pub fn run(mut command: Command) -> Result<ExitStatus> {
    let program = PathBuf::from(command.get_program());
    command.status().map_err(|error| Error::io("start", &program, &error))
}

/// Checks, before anything is downloaded, that the C++ part of tch can be compiled on this machine.
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
            "install one (for example: apt install g++, or xcode-select --install), or name one with CXX=<compiler>",
        )),
        _ => Ok(()),
    }
}

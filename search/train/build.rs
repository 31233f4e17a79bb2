//! Run path to libtorch: every program of this crate (the worker, tests, benchmarks) finds the libtorch that it was built with, without
//! environment variables.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if let Some(folder) = libtorch_libraries() {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
        if target == "linux" {
            // A run path of the old kind has precedence over LD_LIBRARY_PATH, which may lead to another version of libtorch.
            println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");
            // No symbol of the CUDA part of libtorch is used, so the linker would leave it out.
            if folder.join("libtorch_cuda.so").is_file() {
                println!(
                    "cargo:rustc-link-arg=-Wl,--no-as-needed,-L{},-ltorch_cuda,--as-needed",
                    folder.display()
                );
            }
        }
    }
}

/// Folder of libtorch's libraries by the rules of the build of torch-sys; `None` for a libtorch that is installed system-wide.
fn libtorch_libraries() -> Option<PathBuf> {
    let (given, split) = (variable("LIBTORCH"), variable("LIBTORCH_LIB"));
    if variable("LIBTORCH_USE_PYTORCH").is_some() {
        let python = if variable("VIRTUAL_ENV").is_some() {
            "python"
        } else {
            "python3"
        };
        let print = "import os, torch; print(os.path.join(os.path.dirname(torch.__file__), 'lib'))";
        let output = Command::new(python)
            .args(["-c", print])
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        return Some(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    Some(PathBuf::from(split.or(given)?).join("lib"))
}

fn variable(name: &str) -> Option<String> {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name).ok().filter(|value| !value.is_empty())
}

//! Lets every program of this crate (the binary, its tests, benchmarks) find libtorch and ONNX Runtime without environment variables:
//! libtorch through a run path to where it was at build time, ONNX Runtime through a compiled-in default path.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if let Some(folder) = libtorch_libraries() {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
        if target == "linux" {
            // A run path of the old kind goes before LD_LIBRARY_PATH, which may lead to another version of libtorch.
            println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");
            // Nothing calls into the CUDA part of libtorch, so the linker would leave it out; it is found by being there.
            if folder.join("libtorch_cuda.so").is_file() {
                println!(
                    "cargo:rustc-link-arg=-Wl,--no-as-needed,-L{},-ltorch_cuda,--as-needed",
                    folder.display()
                );
            }
        }
    }
    if let Some(library) = variable("ORT_DYLIB_PATH") {
        println!("cargo:rustc-env=MNAS_ONNXRUNTIME={library}");
    }
}

/// The folder of libtorch's libraries, chosen as the build of torch-sys chooses it; none for one that is installed system-wide.
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

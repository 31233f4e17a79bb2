//! Platforms with pinned wheels.

use crate::error::{Error, Result};

/// Platform, an operating system and processor, with pinned wheels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// 64-bit x86 Linux with glibc 2.28 or newer.
    LinuxX86_64,
    /// 64-bit Arm Linux with glibc 2.28 or newer.
    LinuxAarch64,
    /// Apple silicon, macOS 14 or newer.
    MacosAarch64,
}

impl Platform {
    /// Platform of this machine.
    pub fn current() -> Result<Self> {
        Self::from_names(std::env::consts::OS, std::env::consts::ARCH)
    }

    fn from_names(os: &str, arch: &str) -> Result<Self> {
        match (os, arch) {
            ("linux", "x86_64") => Ok(Self::LinuxX86_64),
            ("linux", "aarch64") => Ok(Self::LinuxAarch64),
            ("macos", "aarch64") => Ok(Self::MacosAarch64),
            _ => Err(Error::new(
                format!("there is no pinned libtorch for {os}-{arch}"),
                "install libtorch 2.11.0 and ONNX Runtime yourself and set their paths: LIBTORCH=<folder with lib/ and include/> (or \
                 LIBTORCH_USE_PYTORCH=1) and ORT_DYLIB_PATH=<path of the ONNX Runtime library>",
            )),
        }
    }

    /// Name of the platform in folder names.
    pub fn name(self) -> &'static str {
        match self {
            Self::LinuxX86_64 => "linux-x86_64",
            Self::LinuxAarch64 => "linux-aarch64",
            Self::MacosAarch64 => "macos-aarch64",
        }
    }

    /// File name of a shared library: `torch_cpu` -> `libtorch_cpu.so`.
    pub fn library(self, stem: &str) -> String {
        match self {
            Self::LinuxX86_64 | Self::LinuxAarch64 => format!("lib{stem}.so"),
            Self::MacosAarch64 => format!("lib{stem}.dylib"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_platform_names_the_way_out() {
        let error = Platform::from_names("macos", "x86_64").unwrap_err().to_string();
        assert!(error.contains("macos-x86_64") && error.contains("LIBTORCH="), "{error}");
    }

    #[test]
    fn libraries_are_named_as_the_system_names_them() {
        assert_eq!(Platform::LinuxAarch64.library("onnxruntime"), "libonnxruntime.so");
        assert_eq!(Platform::MacosAarch64.library("onnxruntime"), "libonnxruntime.dylib");
    }
}

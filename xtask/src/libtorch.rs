//! libtorch: the CPU part of PyTorch's wheel, or the user's own installation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cache::{Cache, Package};
use crate::error::{Error, Result};
use crate::platform::Platform;
use crate::wheel::{Wheel, python};

/// Version of libtorch for which tch 0.24 has bindings; update both together.
pub const VERSION: &str = "2.11.0";

/// Source of libtorch.
#[derive(Debug, PartialEq, Eq)]
pub enum Libtorch {
    /// Folder in the user's variable `LIBTORCH`.
    Given(PathBuf),
    /// PyTorch installed in the user's Python (`LIBTORCH_USE_PYTORCH`).
    PyTorch,
    /// Folder of the unpacked wheels in the cache.
    Cached(PathBuf),
}

impl Libtorch {
    /// Finds the user's libtorch and checks its version, or sets up libtorch in the cache.
    pub fn provide(cache: &Cache, thorough: bool) -> Result<Self> {
        if asks_for_pytorch(std::env::var("LIBTORCH_USE_PYTORCH").ok().as_deref()) {
            check_pytorch()?;
            return Ok(Self::PyTorch);
        }
        if let Some(given) = std::env::var_os("LIBTORCH").filter(|given| !given.is_empty()) {
            let folder = PathBuf::from(given);
            let folder = std::path::absolute(&folder).map_err(|error| Error::io("resolve", &folder, &error))?;
            check_given(&folder)?;
            return Ok(Self::Given(folder));
        }
        cache
            .provide(&package(Platform::current()?), thorough)
            .map(Self::Cached)
    }

    /// Value of `LIBTORCH` for a build; `None` if the variable is not needed.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Given(folder) | Self::Cached(folder) => Some(folder),
            Self::PyTorch => None,
        }
    }
}

/// Returns true if the value of `LIBTORCH_USE_PYTORCH` enables it. The build of torch-sys treats any value as enabled, so values such as
/// `0` must be removed for it.
pub fn asks_for_pytorch(value: Option<&str>) -> bool {
    !matches!(value, None | Some("" | "0" | "false"))
}

/// Package of the files that a CPU machine needs: 0.5 GB instead of the 5 GB of a full installation.
fn package(platform: Platform) -> Package {
    Package {
        folder: format!("libtorch-{VERSION}-{}", platform.name()),
        wheels: wheels(platform),
        select: Box::new(select),
        inspect: Box::new(move |folder| inspect(folder, platform)),
    }
}

/// Wheels to download. On Linux, `libtorch_cpu` links the CUDA runtime and profiling libraries even on machines without a GPU; their
/// versions are those required by the torch wheel (cuda-toolkit 13.0.2).
fn wheels(platform: Platform) -> Vec<Wheel> {
    let torch = Wheel {
        project: "torch",
        version: VERSION,
        platform: "",
        file: "",
        bytes: 0,
        sha256: "",
    };
    let runtime = Wheel {
        project: "nvidia-cuda-runtime",
        version: "13.0.96",
        ..torch
    };
    let cupti = Wheel {
        project: "nvidia-cuda-cupti",
        version: "13.0.85",
        ..torch
    };
    match platform {
        Platform::LinuxX86_64 => vec![
            Wheel {
                platform: "manylinux_2_28_x86_64",
                file: "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
                bytes: 530_604_548,
                sha256: "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
                ..torch
            },
            Wheel {
                platform: "manylinux2014_x86_64",
                file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
                bytes: 2_243_632,
                sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
                ..runtime
            },
            Wheel {
                platform: "manylinux_2_25_x86_64",
                file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
                bytes: 10_715_597,
                sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
                ..cupti
            },
        ],
        Platform::LinuxAarch64 => vec![
            Wheel {
                platform: "manylinux_2_28_aarch64",
                file: "torch-2.11.0-cp311-cp311-manylinux_2_28_aarch64.whl",
                bytes: 419_718_178,
                sha256: "d91aac77f24082809d2c5a93f52a5f085032740a1ebc9252a7b052ef5a4fddc6",
                ..torch
            },
            Wheel {
                platform: "manylinux2014_aarch64",
                file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
                bytes: 2_261_060,
                sha256: "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
                ..runtime
            },
            Wheel {
                platform: "manylinux_2_25_aarch64",
                file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_aarch64.whl",
                bytes: 10_310_827,
                sha256: "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151",
                ..cupti
            },
        ],
        Platform::MacosAarch64 => vec![Wheel {
            platform: "macosx_11_0_arm64",
            file: "torch-2.11.0-cp311-cp311-macosx_11_0_arm64.whl",
            bytes: 80_529_712,
            sha256: "7b6a60d48062809f58595509c524b88e6ddec3ebe25833d6462eeab81e5f2ce4",
            ..torch
        }],
    }
}

/// Path of a wheel's file in the package; `None` unless it is a header, a CPU library, or one of the two CUDA libraries that these
/// link.
fn select(name: &str) -> Option<String> {
    const CUDA_OR_PYTHON: [&str; 5] = [
        "libtorch_cuda",
        "libtorch_nvshmem",
        "libc10_cuda",
        "libcaffe2_nvrtc",
        "libtorch_python",
    ];
    if let Some(header) = name.strip_prefix("torch/include/") {
        return Some(format!("include/{header}"));
    }
    if let Some(library) = name.strip_prefix("torch/lib/") {
        let unwanted = CUDA_OR_PYTHON.iter().any(|prefix| library.starts_with(prefix));
        return (!unwanted).then(|| format!("lib/{library}"));
    }
    let library = name.strip_prefix("nvidia/cu13/lib/")?;
    matches!(library, "libcudart.so.13" | "libcupti.so.13").then(|| format!("lib/{library}"))
}

fn inspect(folder: &Path, platform: Platform) -> Result<()> {
    for stem in ["torch", "torch_cpu", "c10"] {
        let path = folder.join("lib").join(platform.library(stem));
        fs::metadata(&path).map_err(|error| Error::io("find", &path, &error))?;
    }
    match version_of(folder) {
        Some(found) if found == VERSION => Ok(()),
        found => Err(Error::new(
            format!("the unpacked libtorch has version {found:?}, expected {VERSION}"),
            "the pinned wheels are wrong; report this to the project",
        )),
    }
}

fn check_given(folder: &Path) -> Result<()> {
    let library = std::env::var_os("LIBTORCH_LIB")
        .map_or_else(|| folder.to_path_buf(), PathBuf::from)
        .join("lib");
    let suffix = if cfg!(target_os = "macos") { "dylib" } else { "so" };
    if !library.join(format!("libtorch.{suffix}")).exists() {
        return Err(Error::new(
            format!(
                "LIBTORCH is {}, but {} has no libtorch.{suffix}",
                folder.display(),
                library.display()
            ),
            format!("point LIBTORCH to a libtorch {VERSION} with lib/ and include/, or unset it to have one set up"),
        ));
    }
    let include = std::env::var_os("LIBTORCH_INCLUDE").map_or_else(|| folder.to_path_buf(), PathBuf::from);
    if let Some(found) = version_of(folder).or_else(|| version_of(&include)) {
        return check_version(&found, &format!("LIBTORCH is {}, which", folder.display()));
    }
    eprintln!(
        "note: cannot read the version of {}; {VERSION} is needed",
        folder.display()
    );
    Ok(())
}

fn check_pytorch() -> Result<()> {
    let python = python();
    let output = Command::new(python)
        .args(["-c", "import torch; print(torch.__version__)"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Error::new(
                format!("LIBTORCH_USE_PYTORCH is set, but {python} does not start: {error}"),
                UNSET,
            )
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = said.trim().lines().last().unwrap_or_default().to_owned();
        return Err(Error::new(
            format!("LIBTORCH_USE_PYTORCH is set, but {python} cannot import torch: {reason}"),
            UNSET,
        ));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    check_version(
        said.trim(),
        &format!("LIBTORCH_USE_PYTORCH is set, but the torch of {python}"),
    )
}

const UNSET: &str = "install torch 2.11.0 for that Python, or unset LIBTORCH_USE_PYTORCH to have libtorch set up";

/// Checks a version, ignoring its local part (`+cpu`, `+cu130`). The same variable disables the check as in torch-sys.
fn check_version(found: &str, whose: &str) -> Result<()> {
    let plain = found.split('+').next().unwrap_or_default();
    if plain == VERSION || std::env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
        return Ok(());
    }
    Err(Error::new(
        format!("{whose} has version {found}, but {VERSION} is needed"),
        "use libtorch 2.11.0, or unset LIBTORCH and LIBTORCH_USE_PYTORCH to have it set up",
    ))
}

/// Version of a libtorch folder, from its headers or its `build-version` file.
fn version_of(folder: &Path) -> Option<String> {
    if let Ok(version) = fs::read_to_string(folder.join("build-version")) {
        return Some(version.trim().to_owned());
    }
    [
        "include/torch/headeronly/version.h",
        "include/torch/csrc/api/include/torch/version.h",
    ]
    .iter()
    .find_map(|header| version_in_header(&fs::read_to_string(folder.join(header)).ok()?))
}

fn version_in_header(text: &str) -> Option<String> {
    let number = |part: &str| {
        let prefix = format!("#define TORCH_VERSION_{part} ");
        text.lines()
            .find_map(|line| line.strip_prefix(&prefix)?.trim().parse::<u32>().ok())
    };
    Some(format!(
        "{}.{}.{}",
        number("MAJOR")?,
        number("MINOR")?,
        number("PATCH")?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#pragma once\n/// doc\n#define TORCH_VERSION_MAJOR 2\n\n#define TORCH_VERSION_MINOR 11\n#define \
                          TORCH_VERSION_PATCH 0\n#define TORCH_VERSION \\\n  \"2.11.0\"\n";

    #[test]
    fn headers_and_cpu_libraries_are_taken() {
        let take = |name: &str| select(name);
        assert_eq!(
            take("torch/include/ATen/ATen.h").as_deref(),
            Some("include/ATen/ATen.h")
        );
        assert_eq!(
            take("torch/lib/libtorch_cpu.so").as_deref(),
            Some("lib/libtorch_cpu.so")
        );
        assert_eq!(
            take("torch/lib/libnvpl_blas_core.so.0").as_deref(),
            Some("lib/libnvpl_blas_core.so.0")
        );
        assert_eq!(take("torch/lib/libomp.dylib").as_deref(), Some("lib/libomp.dylib"));
        assert_eq!(
            take("nvidia/cu13/lib/libcudart.so.13").as_deref(),
            Some("lib/libcudart.so.13")
        );
        assert_eq!(
            take("nvidia/cu13/lib/libcupti.so.13").as_deref(),
            Some("lib/libcupti.so.13")
        );
    }

    #[test]
    fn cuda_python_and_tools_are_left_out() {
        for name in [
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libtorch_cuda_linalg.so",
            "torch/lib/libtorch_nvshmem.so",
            "torch/lib/libc10_cuda.so",
            "torch/lib/libcaffe2_nvrtc.so",
            "torch/lib/libtorch_python.so",
            "torch/__init__.py",
            "torch/bin/protoc",
            "nvidia/cu13/lib/libnvperf_host.so",
            "nvidia/cu13/include/cupti.h",
        ] {
            assert_eq!(select(name), None, "{name}");
        }
    }

    #[test]
    fn the_version_is_read_from_the_header() {
        assert_eq!(version_in_header(HEADER).as_deref(), Some("2.11.0"));
        assert_eq!(version_in_header("#include <torch/headeronly/version.h>"), None);
    }

    #[test]
    fn local_parts_do_not_matter_and_other_versions_do() {
        assert!(check_version("2.11.0+cu130", "it").is_ok());
        let error = check_version("2.10.0", "LIBTORCH is /x, which")
            .unwrap_err()
            .to_string();
        assert!(error.contains("has version 2.10.0, but 2.11.0 is needed"), "{error}");
    }

    #[test]
    fn pytorch_is_used_only_when_asked_for() {
        assert!(asks_for_pytorch(Some("1")) && asks_for_pytorch(Some("yes")));
        assert!(![None, Some(""), Some("0")].into_iter().any(asks_for_pytorch));
    }

    #[test]
    fn pins_are_complete_and_distinct() {
        let platforms = [Platform::LinuxX86_64, Platform::LinuxAarch64, Platform::MacosAarch64];
        let mut hashes = Vec::new();
        for wheel in platforms.into_iter().flat_map(wheels) {
            assert!(
                wheel.file.contains(wheel.platform) && wheel.file.contains(wheel.version),
                "{wheel:?}"
            );
            assert!(wheel.sha256.len() == 64 && wheel.bytes > 1_000_000, "{wheel:?}");
            assert!(!hashes.contains(&wheel.sha256), "{wheel:?}");
            hashes.push(wheel.sha256);
        }
    }
}

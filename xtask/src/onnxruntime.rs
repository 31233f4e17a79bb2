//! ONNX Runtime: the shared library of its wheel, or the user's own library.

use std::fs;
use std::path::PathBuf;

use crate::cache::{Cache, Package};
use crate::error::{Error, Result};
use crate::platform::Platform;
use crate::wheel::Wheel;

/// Version to set up; `ort` 2.0.0-rc.15, with the features in use, accepts 1.17 and newer.
pub const VERSION: &str = "1.32.0";

/// Returns the path of the library: the user's `ORT_DYLIB_PATH`, or the library in the cache.
pub fn provide(cache: &Cache, thorough: bool) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("ORT_DYLIB_PATH").filter(|given| !given.is_empty()) {
        let given = PathBuf::from(given);
        return fs::canonicalize(&given).map_err(|error| {
            Error::new(
                format!("ORT_DYLIB_PATH is {}: {error}", given.display()),
                "point it to the ONNX Runtime library itself, or unset it to have one set up",
            )
        });
    }
    let platform = Platform::current()?;
    Ok(cache
        .provide(&package(platform), thorough)?
        .join(platform.library("onnxruntime")))
}

fn package(platform: Platform) -> Package {
    let target = platform.library("onnxruntime");
    let installed = target.clone();
    Package {
        folder: format!("onnxruntime-{VERSION}-{}", platform.name()),
        wheels: vec![wheel(platform)],
        select: Box::new(move |name| (name == member(platform)).then(|| target.clone())),
        inspect: Box::new(move |folder| {
            let path = folder.join(&installed);
            fs::metadata(&path)
                .map(|_| ())
                .map_err(|error| Error::io("find", &path, &error))
        }),
    }
}

/// Path of the library in the wheel. Its file name contains the version; `libonnxruntime_providers_shared` in the same folder is not
/// needed.
fn member(platform: Platform) -> String {
    match platform {
        Platform::LinuxX86_64 | Platform::LinuxAarch64 => format!("onnxruntime/capi/libonnxruntime.so.{VERSION}"),
        Platform::MacosAarch64 => format!("onnxruntime/capi/libonnxruntime.{VERSION}.dylib"),
    }
}

fn wheel(platform: Platform) -> Wheel {
    let (project, version) = ("onnxruntime", VERSION);
    match platform {
        Platform::LinuxX86_64 => Wheel {
            project,
            version,
            platform: "manylinux_2_28_x86_64",
            file: "onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_x86_64.whl",
            bytes: 27_773_237,
            sha256: "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
        },
        Platform::LinuxAarch64 => Wheel {
            project,
            version,
            platform: "manylinux_2_28_aarch64",
            file: "onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_aarch64.whl",
            bytes: 23_195_070,
            sha256: "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c",
        },
        Platform::MacosAarch64 => Wheel {
            project,
            version,
            platform: "macosx_14_0_arm64",
            file: "onnxruntime-1.32.0-cp311-cp311-macosx_14_0_arm64.whl",
            bytes: 22_506_162,
            sha256: "366b9e53d07812cc5c92822cecf7563b76a8a0f32ba3bb8dd232a206ac3bcb6c",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_taken_and_its_neighbours_are_not() {
        let select = package(Platform::LinuxX86_64).select;
        assert_eq!(
            select("onnxruntime/capi/libonnxruntime.so.1.32.0").as_deref(),
            Some("libonnxruntime.so")
        );
        assert_eq!(select("onnxruntime/capi/libonnxruntime_providers_shared.so"), None);
        assert_eq!(
            select("onnxruntime/capi/onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so"),
            None
        );
        let select = package(Platform::MacosAarch64).select;
        assert_eq!(
            select("onnxruntime/capi/libonnxruntime.1.32.0.dylib").as_deref(),
            Some("libonnxruntime.dylib")
        );
    }

    #[test]
    fn pins_agree_with_the_version() {
        for platform in [Platform::LinuxX86_64, Platform::LinuxAarch64, Platform::MacosAarch64] {
            let wheel = wheel(platform);
            assert!(wheel.file.contains(VERSION) && wheel.file.contains(wheel.platform) && wheel.sha256.len() == 64);
        }
    }
}

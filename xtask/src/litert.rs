//! LiteRT: the shared library of its wheel, or the user's own library.

use std::fs;
use std::path::PathBuf;

use crate::cache::{Cache, Package};
use crate::error::{Error, Result};
use crate::platform::Platform;
use crate::wheel::Wheel;

/// Version to set up; `mnas-latency` accepts 2.1.6 and newer.
pub const VERSION: &str = "2.3.0";

/// Returns the path of the library: the user's `LITERT_DYLIB_PATH`, or the library in the cache.
pub fn provide(cache: &Cache, thorough: bool) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("LITERT_DYLIB_PATH").filter(|given| !given.is_empty()) {
        let given = PathBuf::from(given);
        return fs::canonicalize(&given).map_err(|error| {
            Error::new(
                format!("LITERT_DYLIB_PATH is {}: {error}", given.display()),
                "point it to the LiteRT library itself, or unset it to have one set up",
            )
        });
    }
    let platform = Platform::current()?;
    Ok(cache
        .provide(&package(platform), thorough)?
        .join(platform.library("LiteRt")))
}

/// Package with only the main library: LiteRT would load the wheel's other libraries, such as those for GPUs, from the same folder.
fn package(platform: Platform) -> Package {
    let target = platform.library("LiteRt");
    let installed = target.clone();
    Package {
        folder: format!("litert-{VERSION}-{}", platform.name()),
        wheels: vec![wheel(platform)],
        select: Box::new(move |name| (name == format!("ai_edge_litert/{target}")).then(|| target.clone())),
        inspect: Box::new(move |folder| {
            let path = folder.join(&installed);
            fs::metadata(&path)
                .map(|_| ())
                .map_err(|error| Error::io("find", &path, &error))
        }),
    }
}

fn wheel(platform: Platform) -> Wheel {
    let (project, version) = ("ai-edge-litert", VERSION);
    match platform {
        Platform::LinuxX86_64 => Wheel {
            project,
            version,
            platform: "manylinux_2_27_x86_64",
            file: "ai_edge_litert-2.3.0-cp311-cp311-manylinux_2_27_x86_64.whl",
            bytes: 21_778_233,
            sha256: "1f15078a6725d2357d9de9221664c29afa0545d807559c5f7199ce5e40b96b23",
        },
        Platform::LinuxAarch64 => Wheel {
            project,
            version,
            platform: "manylinux_2_27_aarch64",
            file: "ai_edge_litert-2.3.0-cp311-cp311-manylinux_2_27_aarch64.whl",
            bytes: 14_379_387,
            sha256: "853fc608f96da87bd5f3458465dfb9abbf18d5ae6b94eceacead407146f175ae",
        },
        Platform::MacosAarch64 => Wheel {
            project,
            version,
            platform: "macosx_12_0_arm64",
            file: "ai_edge_litert-2.3.0-cp311-cp311-macosx_12_0_arm64.whl",
            bytes: 12_821_669,
            sha256: "da19cb1ad08d5113600d1038fbe7390e74e38fcb3e92af86d56a60120343e6d2",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_taken_and_its_neighbours_are_not() {
        let select = package(Platform::LinuxX86_64).select;
        assert_eq!(select("ai_edge_litert/libLiteRt.so").as_deref(), Some("libLiteRt.so"));
        assert_eq!(select("ai_edge_litert/libLiteRtWebGpuAccelerator.so"), None);
        assert_eq!(select("ai_edge_litert/libpywrap_litert_common.so"), None);
        let select = package(Platform::MacosAarch64).select;
        assert_eq!(
            select("ai_edge_litert/libLiteRt.dylib").as_deref(),
            Some("libLiteRt.dylib")
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

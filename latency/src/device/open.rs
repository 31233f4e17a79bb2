//! Look-up of devices by name.

use std::path::Path;

use super::description::Device;
use super::{parse, ssh};
use crate::error::LatencyError;

macro_rules! built_in {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../configs/devices/", $name, ".toml")))),*]
    };
}

/// Built-in devices: name and file.
const BUILT_IN: [(&str, &str); 10] = built_in![
    "host",
    "host-2t",
    "host-torch",
    "host-tract",
    "litert",
    "litert-int8",
    "cuda",
    "pixel1",
    "replay",
    "fake"
];

/// Folder of device files, relative to the working directory.
const FOLDER: &str = "configs/devices";

impl Device {
    /// Names of the built-in devices.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Finds a device: by the address `ssh:[user@]host[:port]`, by the path of a TOML file, or by name, first as
    /// `configs/devices/<name>.toml` under the working directory, then among the built-in devices.
    pub fn open(name: &str) -> Result<Self, LatencyError> {
        if let Some(address) = name.strip_prefix("ssh:") {
            return ssh::device(name, address);
        }
        let path = Path::new(name);
        let is_path = path.extension().is_some_and(|extension| extension == "toml") || path.components().count() > 1;
        if is_path {
            return Self::read(path);
        }
        let file = Path::new(FOLDER).join(format!("{name}.toml"));
        if file.is_file() {
            return Self::read(&file);
        }
        if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            return parse::device(text, &format!("built-in device `{name}`"), Path::new(FOLDER));
        }
        let known = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        Err(LatencyError::UnknownDevice {
            name: name.to_owned(),
            known,
        })
    }

    /// Reads a device file.
    pub fn read(path: &Path) -> Result<Self, LatencyError> {
        let text = std::fs::read_to_string(path).map_err(LatencyError::io("read the device file", path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        parse::device(&text, &path.display().to_string(), folder)
    }

    /// Parses a device from TOML; `file` is the name in error messages, and paths are relative to the working directory.
    pub fn parse(text: &str, file: &str) -> Result<Self, LatencyError> {
        parse::device(text, file, Path::new(""))
    }
}

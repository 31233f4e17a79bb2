//! Compiled-in tables.

/// Files of a compiled-in table.
#[derive(Debug)]
pub(super) struct BuiltIn {
    pub device: &'static str,
    pub header: &'static str,
    pub layers: &'static str,
    pub networks: &'static str,
}

macro_rules! built_in {
    ($name:literal) => {
        BuiltIn {
            device: $name,
            header: include_str!(concat!("../../../configs/devices/", $name, "/device.toml")),
            layers: include_str!(concat!("../../../configs/devices/", $name, "/table.csv")),
            networks: include_str!(concat!("../../../configs/devices/", $name, "/networks.csv")),
        }
    };
}

pub(super) static BUILT_IN: [BuiltIn; 1] = [built_in!("pixel1")];

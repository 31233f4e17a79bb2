//! Fingerprint of the conditions under which measurements are comparable.

use super::description::Device;
use super::kinds::Precision;
use crate::machine::HostFacts;
use crate::runtime::Runtime;

/// Facts that must be equal for a measurement to be valid on a device; a table is checked against them before use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFingerprint {
    /// Name of the runtime.
    pub runtime: String,
    /// Version of the runtime.
    pub runtime_version: String,
    /// Threads per inference.
    pub threads: usize,
    /// Number format of weights and activations.
    pub precision: Precision,
    /// Name of the processor.
    pub cpu: String,
}

impl DeviceFingerprint {
    /// Fingerprint of `device` with `runtime` on `host`.
    pub fn new(device: &Device, runtime: &dyn Runtime, host: &HostFacts) -> Self {
        Self {
            runtime: runtime.name().to_owned(),
            runtime_version: runtime.version().to_owned(),
            threads: device.threads,
            precision: device.precision,
            cpu: host.cpu.clone(),
        }
    }
}

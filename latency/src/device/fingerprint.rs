//! Fingerprint of the conditions under which measurements are comparable.

use super::description::Device;
use super::kinds::Precision;
use crate::machine::HostFacts;
use crate::runtime::Runtime;

/// All that must be the same for a measurement to hold: what a table is checked against before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFingerprint {
    /// Name of the runtime.
    pub runtime: String,
    /// Its version.
    pub runtime_version: String,
    /// Threads per inference.
    pub threads: usize,
    /// Type of weights and activations.
    pub precision: Precision,
    /// Name of the processor.
    pub cpu: String,
}

impl DeviceFingerprint {
    /// The fingerprint of `device` when `runtime` executes on `host`.
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

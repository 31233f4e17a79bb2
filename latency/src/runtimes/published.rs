//! Runtime of a device with published figures, which cannot be measured.

use crate::device::Device;
use crate::error::{LatencyError, RuntimeError};
use crate::machine::{Conditions, HostFacts};
use crate::runtime::{LoadedModel, Model, Runtime};
use crate::table::{LatencyTable, TableHeader};

/// Runtime of a device with published figures. It describes the device, and cannot execute models.
#[derive(Debug)]
pub struct PublishedRuntime {
    header: TableHeader,
    refusal: RuntimeError,
}

impl PublishedRuntime {
    /// Reads the table of a device.
    pub fn open(device: &Device) -> Result<Self, RuntimeError> {
        let table = LatencyTable::published(device).map_err(|error| match error {
            LatencyError::Runtime(error) => error,
            error => RuntimeError::Recording {
                device: device.name.clone(),
                reason: error.to_string(),
            },
        })?;
        let note = table
            .header()
            .published
            .as_ref()
            .map(|publication| publication.note.clone());
        Ok(Self {
            header: table.header().clone(),
            refusal: RuntimeError::Published {
                device: device.name.clone(),
                note: note.unwrap_or_default(),
            },
        })
    }
}

impl Runtime for PublishedRuntime {
    fn name(&self) -> &str {
        &self.header.runtime
    }

    fn version(&self) -> &str {
        &self.header.runtime_version
    }

    fn host(&self) -> HostFacts {
        self.header.host.clone()
    }

    fn conditions(&mut self) -> Result<Option<Conditions>, RuntimeError> {
        Ok(None)
    }

    fn load(&mut self, _model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        Err(self.refusal.clone())
    }
}

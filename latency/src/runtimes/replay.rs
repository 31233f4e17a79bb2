//! Runtime without execution: times come from a recorded table.

use std::collections::HashMap;
use std::sync::Arc;

use crate::device::Device;
use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::machine::{Conditions, HostFacts};
use crate::measure::ANCHOR_NAME;
use crate::runtime::{LoadedModel, Model, Runtime};
use crate::table::LatencyTable;

/// Runtime that replays the medians of a latency table; it refuses models that are not in the table.
///
/// For tests, for trying the tools without measuring, and for searches based on measurements of another machine. A table
/// profiled on it contains the recorded medians, and states the recorded processor as its processor.
#[derive(Debug)]
pub struct ReplayRuntime {
    /// Latencies by the name of the model, in milliseconds.
    recorded: Arc<HashMap<String, f64>>,
    version: String,
    host: HostFacts,
    folder: String,
}

impl ReplayRuntime {
    /// Opens the table of a device.
    pub fn open(device: &Device) -> Result<Self, RuntimeError> {
        let wrong = |reason: String| RuntimeError::Recording {
            device: device.name.clone(),
            reason,
        };
        let folder = device
            .table
            .as_deref()
            .ok_or_else(|| wrong("it names none".to_owned()))?;
        if !LatencyTable::exists(folder) {
            let folder = folder.display();
            return Err(wrong(format!(
                "{folder} holds none; name the folder of a table in the device's file (`table = \"...\"`)"
            )));
        }
        Ok(Self::of(
            &LatencyTable::load(folder).map_err(|error| wrong(error.to_string()))?,
        ))
    }

    /// Creates a runtime that replays a table.
    pub fn of(table: &LatencyTable) -> Self {
        let header = table.header();
        let layers = table.layers().map(|(key, row)| (key.to_string(), row.median_ms));
        let networks = table
            .networks()
            .iter()
            .map(|(network, row)| (Model::network(network).name, row.median_ms));
        let anchor = (ANCHOR_NAME.to_owned(), header.anchor_reference_ms);
        Self {
            recorded: Arc::new(layers.chain(networks).chain([anchor]).collect()),
            version: format!("{} ({}, {})", header.runtime_version, header.runtime, header.created),
            host: header.host.clone(),
            folder: table.folder().display().to_string(),
        }
    }
}

impl Runtime for ReplayRuntime {
    fn name(&self) -> &'static str {
        "replay"
    }

    /// Version, runtime and date of the recorded table, which distinguish it from other recordings.
    fn version(&self) -> &str {
        &self.version
    }

    fn host(&self) -> HostFacts {
        self.host.clone()
    }

    fn conditions(&mut self) -> Result<Option<Conditions>, RuntimeError> {
        Ok(None)
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        match self.recorded.get(&model.name) {
            Some(&ms) => Ok(Box::new(Recorded { ms })),
            None => Err(RuntimeError::Refused {
                runtime: "replay".to_owned(),
                model: model.name.clone(),
                reason: format!("the table in {} does not contain it", self.folder),
            }),
        }
    }
}

struct Recorded {
    ms: f64,
}

impl LoadedModel for Recorded {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        Ok(Milliseconds(self.ms * f64::from(inferences)))
    }
}

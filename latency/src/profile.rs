//! Profiling: filling a latency table, interruptible at any layer.

mod run;

pub use run::{ProfileEvent, ProfileReport, StopReason, Witness, profile};

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use mnas_space::{Architecture, BlockKey};

use crate::device::{Device, DeviceFingerprint, RuntimeKind};
use crate::error::LatencyError;
use crate::measure::{Bench, MeasureSettings};
use crate::runtime::Runtime;
use crate::table::{LatencyTable, TableHeader};

/// How a table is filled.
#[derive(Debug, Clone)]
pub struct ProfileOptions {
    /// Care taken for each layer.
    pub measure: MeasureSettings,
    /// Of the order in which layers are measured, so that drift does not fall on neighbours.
    pub seed: u64,
    /// When this much time is used no further layer is begun; the networks for calibration still follow.
    pub time_cap: Option<Duration>,
    /// How many rounds the whole networks are measured in, one after the other in each.
    pub network_rounds: usize,
    /// Random networks that a table is calibrated with, beside two of each reference.
    pub calibration_draws: usize,
    /// Layers that are measured before others, after those of the whole networks: where the time does not suffice for all,
    /// these are not left to be predicted.
    pub common: HashSet<BlockKey>,
    /// Whole networks that are measured in the same rounds as the table's and stay out of it, so that its predictions can
    /// be judged by them. Those that the table has, or is asked for, are left out.
    pub witnesses: Vec<Architecture>,
}

impl ProfileOptions {
    /// Minutes for a space.
    pub fn quick() -> Self {
        Self {
            measure: MeasureSettings::quick(),
            seed: 0,
            time_cap: None,
            network_rounds: 8,
            calibration_draws: 24,
            common: HashSet::new(),
            witnesses: Vec::new(),
        }
    }

    /// For the record.
    pub fn thorough() -> Self {
        Self {
            measure: MeasureSettings::thorough(),
            seed: 0,
            time_cap: None,
            network_rounds: 20,
            calibration_draws: 72,
            common: HashSet::new(),
            witnesses: Vec::new(),
        }
    }
}

/// What a profile has to do: how much is asked for, how much of it is missing, how long that takes.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfilePlan {
    /// Distinct layers asked for, layers that compute nothing left out.
    pub blocks: usize,
    /// Of these, the ones the table lacks, in a fixed order.
    pub missing_blocks: Vec<BlockKey>,
    /// Whole networks asked for that the table lacks.
    pub missing_networks: Vec<Architecture>,
    /// Expected time for what is missing.
    pub estimate: Duration,
}

impl ProfilePlan {
    /// Compares what is asked for with what `table` holds; without a table everything is missing.
    pub fn new(
        keys: impl IntoIterator<Item = BlockKey>,
        networks: &[Architecture],
        table: Option<&LatencyTable>,
        options: &ProfileOptions,
    ) -> Self {
        let mut asked: Vec<BlockKey> = keys.into_iter().filter(|key| !key.is_nothing()).collect();
        asked.sort_unstable();
        asked.dedup();
        let blocks = asked.len();
        let missing_blocks: Vec<BlockKey> = asked
            .into_iter()
            .filter(|key| table.is_none_or(|table| table.get(key).is_none()))
            .collect();
        let mut missing_networks: Vec<Architecture> = Vec::new();
        for network in networks {
            if table.is_none_or(|table| table.network(network).is_none()) && !missing_networks.contains(network) {
                missing_networks.push(network.clone());
            }
        }
        let ms =
            missing_blocks.len() as f64 * options.block_ms() + missing_networks.len() as f64 * options.network_ms();
        Self {
            blocks,
            missing_blocks,
            missing_networks,
            estimate: Duration::from_secs_f64(ms / 1000.0),
        }
    }

    /// Whether there is nothing to measure.
    pub fn is_empty(&self) -> bool {
        self.missing_blocks.is_empty() && self.missing_networks.is_empty()
    }

    /// The share of the layers asked for that is measured already.
    pub fn coverage(&self) -> f64 {
        if self.blocks == 0 {
            1.0
        } else {
            1.0 - self.missing_blocks.len() as f64 / self.blocks as f64
        }
    }
}

impl ProfileOptions {
    /// Expected time for a layer: most settle in half of what they may take.
    fn block_ms(&self) -> f64 {
        0.5 * self.measure.max_ms + 6.0
    }

    fn network_ms(&self) -> f64 {
        4.0 * (self.network_rounds * run::SAMPLES_PER_ROUND) as f64 + 50.0
    }
}

/// Opens the table in `folder` for this device, or starts one there (which measures the anchor's reference time). A
/// device that is known from published figures has its table elsewhere, see [`LatencyTable::published`].
pub fn open_or_create(
    folder: &Path,
    device: &Device,
    runtime: &mut dyn Runtime,
    settings: &MeasureSettings,
) -> Result<LatencyTable, LatencyError> {
    if device.runtime == RuntimeKind::Published {
        return LatencyTable::published(device);
    }
    open_or_start(folder, device, runtime, settings, |header| {
        LatencyTable::create(folder, &header)
    })
}

/// Opens the table in `folder` for this device, or starts one there with the layers of `source`; see
/// [`LatencyTable::transfer`]. A table that is there must be such a one.
pub fn open_or_transfer(
    folder: &Path,
    device: &Device,
    runtime: &mut dyn Runtime,
    settings: &MeasureSettings,
    source: &LatencyTable,
) -> Result<LatencyTable, LatencyError> {
    let table = open_or_start(folder, device, runtime, settings, |header| {
        source.transfer(folder, header)
    })?;
    let origin = source.header().device.as_str();
    match &table.header().layers_of {
        Some(found) if found == origin => Ok(table),
        found => Err(LatencyError::TableMismatch {
            file: folder.join("device.toml"),
            what: "layers of",
            found: found.as_ref().unwrap_or(&device.name).clone(),
            expected: origin.to_owned(),
            remedy: format!(
                "move {} away, or profile without another device's layers",
                folder.display()
            ),
        }),
    }
}

/// Opens the table in `folder` for this device; where there is none, measures the anchor's reference time and starts
/// one.
fn open_or_start(
    folder: &Path,
    device: &Device,
    runtime: &mut dyn Runtime,
    settings: &MeasureSettings,
    start: impl FnOnce(TableHeader) -> Result<LatencyTable, LatencyError>,
) -> Result<LatencyTable, LatencyError> {
    let host = runtime.host();
    let fingerprint = DeviceFingerprint::new(device, runtime, &host);
    if LatencyTable::exists(folder) {
        return LatencyTable::open(folder, &fingerprint);
    }
    let reference = Bench::new(runtime, settings.clone(), None)?.reference()?;
    start(TableHeader::new(device, &fingerprint, &host, reference.0))
}

#[cfg(test)]
mod tests;

//! Opening of the table that a profile fills.

use std::path::Path;

use crate::device::{Device, DeviceFingerprint, RuntimeKind};
use crate::error::LatencyError;
use crate::measure::{MeasureSettings, Measurer};
use crate::runtime::Runtime;
use crate::table::{LatencyTable, TableHeader};

/// Opens the table in `folder` for this device. If there is none, measures the anchor's reference time and creates one. For a device with
/// published figures, returns the table of [`LatencyTable::published`] instead.
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

/// Opens the table in `folder` for this device, or creates one there with the layers of `source`; see [`LatencyTable::transfer`].
///
/// # Errors
///
/// In particular, if the table in `folder` has its own layers, or those of a device other than that of `source`.
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

/// Opens the table in `folder` for this device; if there is none, measures the anchor's reference time and creates one.
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
    let reference = Measurer::new(runtime, settings.clone(), None)?.reference()?;
    start(TableHeader::new(device, &fingerprint, &host, reference.0))
}

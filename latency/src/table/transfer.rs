//! Tables of a new device that borrow the layers of another one.

use std::path::Path;

use super::rows::{self, RowFile};
use super::{HEADER_FILE, LatencyTable, TableHeader};
use crate::device::{Device, DeviceFingerprint, HostFacts};
use crate::error::LatencyError;

impl LatencyTable {
    /// Starts a table in `folder` for a new device with the layers of this one and no networks: ten to twenty networks
    /// measured on the new device calibrate it, where the two devices rank networks alike.
    ///
    /// `reference_ms` is the anchor's reference time on the new device.
    ///
    /// # Errors
    ///
    /// If this table holds no layer of its own, or is of published figures, which say little of single layers.
    pub fn transfer(
        &self,
        folder: &Path,
        device: &Device,
        fingerprint: &DeviceFingerprint,
        host: &HostFacts,
        reference_ms: f64,
    ) -> Result<Self, LatencyError> {
        self.measurable()?;
        self.layers_measurable()?;
        if self.is_empty() {
            return Err(LatencyError::EmptyTable);
        }
        std::fs::create_dir_all(folder).map_err(LatencyError::io("create the folder", folder))?;
        let header = TableHeader {
            layers_of: Some(self.header.device.clone()),
            ..TableHeader::new(device, fingerprint, host, reference_ms)
        };
        // As in a new table: the header comes last, and measurements that lie there are somebody's work.
        RowFile::create(folder, &rows::NETWORKS)?;
        RowFile::create(folder, &rows::BLOCKS)?;
        let layers = self
            .files()?
            .into_iter()
            .find(|(name, _)| *name == self.block_rows.name());
        if let Some((name, content)) = layers {
            let file = folder.join(name);
            std::fs::write(&file, content).map_err(LatencyError::io("write", &file))?;
        }
        header.write(&folder.join(HEADER_FILE))?;
        Self::load(folder)
    }

    /// An error that says why no layer can be measured into a table with the layers of another device.
    pub fn layers_measurable(&self) -> Result<(), LatencyError> {
        match &self.header.layers_of {
            None => Ok(()),
            Some(origin) => Err(LatencyError::BorrowedLayers {
                folder: self.folder.clone(),
                device: self.header.device.clone(),
                origin: origin.clone(),
            }),
        }
    }
}

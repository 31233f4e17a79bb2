//! Tables of a new device with the layers of another device.

use std::path::Path;

use super::header::TableHeader;
use super::latency_table::LatencyTable;
use crate::error::LatencyError;

impl LatencyTable {
    /// Creates a table in `folder` for a new device with the layers of this table and without networks. Ten to twenty networks
    /// measured on the new device are enough to calibrate it if both devices rank networks similarly.
    ///
    /// # Errors
    ///
    /// If this table has no layers measured on its own device, or has published figures, which contain little about single
    /// layers; also the errors of [`LatencyTable::create`].
    pub fn transfer(&self, folder: &Path, header: TableHeader) -> Result<Self, LatencyError> {
        self.measurable()?;
        self.layers_measurable()?;
        if self.is_empty() {
            return Err(LatencyError::EmptyTable);
        }
        let header = TableHeader {
            layers_of: Some(self.header.device.clone()),
            ..header
        };
        let file = self.layer_rows.path();
        let layers = std::fs::read(file).map_err(LatencyError::io("read", file))?;
        Self::start(folder, &header, Some(&layers))
    }

    /// Returns an error if measured layers cannot be added, because the layers are those of another device.
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

//! Tables of a new device that borrow the layers of another one.

use std::path::Path;

use super::header::TableHeader;
use super::latency_table::LatencyTable;
use crate::error::LatencyError;

impl LatencyTable {
    /// Starts a table in `folder` for a new device with the layers of this one and no networks: ten to twenty networks
    /// measured on the new device calibrate it, where the two devices rank networks alike.
    ///
    /// # Errors
    ///
    /// If this table holds no layer of its own, or is of published figures, which say little of single layers; and as
    /// [`LatencyTable::create`].
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

//! Tables of published figures, for devices that cannot be measured.

use std::path::Path;

use super::built_in::{BUILT_IN, BuiltIn};
use super::header::{HEADER_FILE, TableHeader};
use super::latency_table::LatencyTable;
use crate::device::{Device, RuntimeKind};
use crate::error::{LatencyError, RuntimeError};

impl LatencyTable {
    /// Opens the table of a device with published figures: the folder that the device specifies, or, if that does not exist,
    /// the compiled-in copy for a device that comes with mnas.
    ///
    /// The `speed` of a row is the speed of the published figure's software relative to the table's; times are already
    /// converted to the table's software.
    ///
    /// # Errors
    ///
    /// If the device has another runtime, or its table cannot be used.
    pub fn published(device: &Device) -> Result<Self, LatencyError> {
        let wrong = |reason: String| {
            LatencyError::from(RuntimeError::Recording {
                device: device.name.clone(),
                reason,
            })
        };
        let folder = match (&device.table, device.runtime) {
            (Some(folder), RuntimeKind::Published) => folder.as_path(),
            _ => return Err(wrong("it is not known from published figures".to_owned())),
        };
        if !Self::exists(folder) {
            let built_in = BUILT_IN.iter().find(|built_in| built_in.device == device.name);
            return built_in.map_or_else(
                || Err(wrong(format!("{} holds none", folder.display()))),
                |built_in| Self::built_in(built_in, folder),
            );
        }
        let table = Self::load(folder)?;
        if table.header.published.is_none() {
            return Err(wrong(format!(
                "{} has no [published] with note and sources; a table that was measured belongs to a device with a runtime",
                folder.join(HEADER_FILE).display()
            )));
        }
        Ok(table)
    }

    fn built_in(files: &'static BuiltIn, folder: &Path) -> Result<Self, LatencyError> {
        let header = TableHeader::parse(files.header, &folder.join(HEADER_FILE))?;
        let mut table = Self::without_rows(folder, header);
        table.built_in = Some(files);
        let layers = table.layer_rows.parse(files.layers.as_bytes())?;
        let networks = table.network_rows.parse(files.networks.as_bytes())?;
        table.fill(layers, networks)?;
        Ok(table)
    }

    /// Returns an error if measurements cannot be added, because the table has published figures.
    pub fn measurable(&self) -> Result<(), LatencyError> {
        match &self.header.published {
            None => Ok(()),
            Some(publication) => Err(LatencyError::from(RuntimeError::Published {
                device: self.header.device.clone(),
                note: publication.note.clone(),
            })),
        }
    }

    /// Names and current contents of the table's files.
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, LatencyError> {
        let names = [HEADER_FILE, self.layer_rows.name(), self.network_rows.name()];
        if let Some(built_in) = self.built_in {
            let texts = [built_in.header, built_in.layers, built_in.networks];
            return Ok(names
                .into_iter()
                .zip(texts.map(|text| text.as_bytes().to_vec()))
                .collect());
        }
        let mut files = Vec::new();
        for name in names {
            let path = self.folder.join(name);
            if path.exists() {
                files.push((name, std::fs::read(&path).map_err(LatencyError::io("read", &path))?));
            }
        }
        Ok(files)
    }
}

//! Latency table in memory and on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mnas_space::{Architecture, BlockKey, NotationError};
use rustc_hash::FxHashMap;

use super::built_in::BuiltIn;
use super::header::{HEADER_FILE, TableHeader};
use super::rows::{self, Row, RowFile};
use crate::device::DeviceFingerprint;
use crate::error::LatencyError;
use crate::measure::Measurement;

/// Latency table: measured latencies of one device.
#[derive(Debug)]
pub struct LatencyTable {
    pub(super) folder: PathBuf,
    pub(super) header: TableHeader,
    layers: FxHashMap<BlockKey, Measurement>,
    /// Block keys in the order of measurement.
    keys: Vec<BlockKey>,
    networks: Vec<(Architecture, Measurement)>,
    /// Index of each network in `networks`.
    network_places: HashMap<Architecture, usize>,
    pub(super) layer_rows: RowFile,
    pub(super) network_rows: RowFile,
    /// Files of a compiled-in table; `None` for a table in a folder.
    pub(super) built_in: Option<&'static BuiltIn>,
}

impl LatencyTable {
    /// Returns true if `folder` contains a table.
    pub fn exists(folder: &Path) -> bool {
        folder.join(HEADER_FILE).is_file()
    }

    /// Creates an empty table in `folder`, and the folder if it does not exist.
    ///
    /// # Errors
    ///
    /// If the folder contains measurements or cannot be written.
    pub fn create(folder: &Path, header: &TableHeader) -> Result<Self, LatencyError> {
        Self::start(folder, header, None)
    }

    /// Creates a table, with the content of a file of layers if given.
    pub(super) fn start(folder: &Path, header: &TableHeader, layers: Option<&[u8]>) -> Result<Self, LatencyError> {
        std::fs::create_dir_all(folder).map_err(LatencyError::io("create the folder", folder))?;
        for format in [&rows::NETWORKS, &rows::BLOCKS] {
            RowFile::create(folder, format)?;
        }
        if let Some(layers) = layers {
            let file = folder.join(rows::BLOCKS.file);
            std::fs::write(&file, layers).map_err(LatencyError::io("write", &file))?;
        }
        // Writes the header last: a folder without a header does not count as a table.
        header.write(&folder.join(HEADER_FILE))?;
        Self::load(folder)
    }

    /// Reads a table without checking its device.
    pub fn load(folder: &Path) -> Result<Self, LatencyError> {
        let file = folder.join(HEADER_FILE);
        if !file.is_file() {
            let device = folder
                .file_name()
                .map_or_else(|| "host".to_owned(), |name| name.to_string_lossy().into_owned());
            return Err(LatencyError::TableMissing {
                folder: folder.to_owned(),
                device,
            });
        }
        let mut table = Self::without_rows(folder, TableHeader::read(&file)?);
        let (layers, networks) = (table.layer_rows.read()?, table.network_rows.read()?);
        table.fill(layers, networks)?;
        Ok(table)
    }

    pub(super) fn without_rows(folder: &Path, header: TableHeader) -> Self {
        Self {
            folder: folder.to_owned(),
            header,
            layers: FxHashMap::default(),
            keys: Vec::new(),
            networks: Vec::new(),
            network_places: HashMap::new(),
            layer_rows: RowFile::open(folder, &rows::BLOCKS),
            network_rows: RowFile::open(folder, &rows::NETWORKS),
            built_in: None,
        }
    }

    /// Reads a table that must have been measured on this device: [`LatencyTable::load`], then
    /// [`LatencyTable::check`].
    pub fn open(folder: &Path, fingerprint: &DeviceFingerprint) -> Result<Self, LatencyError> {
        let table = Self::load(folder)?;
        table.check(fingerprint)?;
        Ok(table)
    }

    /// Returns an error with the first property in which the table's device and `fingerprint` differ.
    pub fn check(&self, fingerprint: &DeviceFingerprint) -> Result<(), LatencyError> {
        self.header.check(fingerprint, &self.folder.join(HEADER_FILE))
    }

    pub(super) fn fill(&mut self, layers: Vec<Row>, networks: Vec<Row>) -> Result<(), LatencyError> {
        let mut lines = FxHashMap::<BlockKey, u64>::default();
        for row in layers {
            let key: BlockKey = row.name.parse().map_err(|error: NotationError| {
                self.layer_rows.error(row.line, format!("key `{}`: {error}", row.name))
            })?;
            if let Some(first) = lines.insert(key, row.line) {
                let problem = format!("key `{key}` occurs here and in line {first}");
                return Err(self.layer_rows.error(row.line, problem));
            }
            self.layers.insert(key, row.measurement);
            self.keys.push(key);
        }
        for row in networks {
            let architecture: Architecture = row
                .name
                .parse()
                .map_err(|error: NotationError| self.network_rows.error(row.line, format!("architecture: {error}")))?;
            if self.network(&architecture).is_some() {
                return Err(self
                    .network_rows
                    .error(row.line, "this network occurs twice".to_owned()));
            }
            self.insert_network(architecture, row.measurement);
        }
        Ok(())
    }

    /// Folder of the table.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Device, machine and time of the measurements.
    pub fn header(&self) -> &TableHeader {
        &self.header
    }

    /// Measurement of a layer; [`Measurement::NOTHING`] for a layer without operations.
    pub fn get(&self, key: &BlockKey) -> Option<&Measurement> {
        self.layers
            .get(key)
            .or_else(|| key.is_nothing().then_some(&Measurement::NOTHING))
    }

    /// Number of measured layers.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns true if no layer is measured.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Measured layers in the order they were measured.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = (&BlockKey, &Measurement)> {
        self.keys.iter().map(|key| (key, &self.layers[key]))
    }

    /// Measured whole networks in the order they were measured.
    pub fn networks(&self) -> &[(Architecture, Measurement)] {
        &self.networks
    }

    /// Measurement of a whole network.
    pub fn network(&self, architecture: &Architecture) -> Option<&Measurement> {
        self.network_places
            .get(architecture)
            .map(|place| &self.networks[*place].1)
    }

    fn insert_network(&mut self, architecture: Architecture, measurement: Measurement) {
        self.network_places.insert(architecture.clone(), self.networks.len());
        self.networks.push((architecture, measurement));
    }

    /// Adds a layer and writes it to disk. A layer that is already in the table does not change.
    pub fn add_block(&mut self, key: BlockKey, measurement: Measurement) -> Result<(), LatencyError> {
        if self.layers.contains_key(&key) {
            return Ok(());
        }
        let measurement = rows::rounded(measurement);
        self.layer_rows.append(&key.to_string(), &measurement)?;
        self.layers.insert(key, measurement);
        self.keys.push(key);
        Ok(())
    }

    /// Adds a whole network and writes it to disk. A network that is already in the table does not change.
    pub fn add_network(&mut self, architecture: Architecture, measurement: Measurement) -> Result<(), LatencyError> {
        if self.network(&architecture).is_some() {
            return Ok(());
        }
        let measurement = rows::rounded(measurement);
        self.network_rows.append(&architecture.to_string(), &measurement)?;
        self.insert_network(architecture, measurement);
        Ok(())
    }
}

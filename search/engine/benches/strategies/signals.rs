//! Signals of the networks of a table, measured before.

use std::collections::HashMap;
use std::path::Path;

use mnas_engine::ranking::SignalSource;
use mnas_space::{Architecture, ArchitectureId};

/// Columns of the signals.
const COLUMNS: [&str; 2] = ["naswot", "entropy"];

/// Signals by network.
#[derive(Debug)]
pub struct Recorded(HashMap<ArchitectureId, Vec<f64>>);

impl Recorded {
    pub fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).unwrap();
        let rows = reader.deserialize().map(|row| {
            let row: HashMap<String, String> = row.unwrap();
            let architecture: Architecture = row["architecture"].parse().unwrap();
            let signals = COLUMNS.map(|name| row[name].parse().unwrap());
            (architecture.id(), signals.to_vec())
        });
        Self(rows.collect())
    }
}

impl SignalSource for Recorded {
    fn measure(&self, networks: &[Architecture]) -> Vec<Option<Vec<f64>>> {
        networks
            .iter()
            .map(|network| self.0.get(&network.id()).cloned())
            .collect()
    }
}

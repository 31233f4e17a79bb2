//! Published results of other search systems on a device, as they state them.

use serde::Deserialize;

/// Compiled-in table.
const EMBEDDED: &str = include_str!("../../../configs/imagenet/systems.csv");

/// Network that a published search system found for a device, with figures of its authors.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedSystem {
    /// Name of the system.
    pub system: String,
    /// Name of the device as mnas calls it.
    pub device: String,
    /// Latency in milliseconds, measured by the authors.
    pub latency_ms: f64,
    /// ImageNet top-1 in percent.
    pub top1: f64,
    /// Remark on the training.
    pub remark: String,
    /// Document that states the figures.
    pub source: String,
}

/// Published results on a device, the fastest first.
///
/// # Panics
///
/// Panics if the compiled-in table is invalid, which a test excludes.
pub fn published_systems(device: &str) -> Vec<PublishedSystem> {
    let rows = csv::Reader::from_reader(EMBEDDED.as_bytes()).into_deserialize();
    let mut systems: Vec<PublishedSystem> = rows
        .map(|row| row.unwrap_or_else(|error| panic!("configs/imagenet/systems.csv: {error}")))
        .collect();
    systems.retain(|system| system.device == device);
    systems.sort_by(|one, other| one.latency_ms.total_cmp(&other.latency_ms));
    systems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_states_sources() {
        let systems = published_systems("pixel1");
        assert_eq!((systems.len(), systems[0].latency_ms, systems[0].top1), (7, 20.0, 71.4));
        assert!(systems.iter().all(|system| !system.source.is_empty()));
        assert!(published_systems("host").is_empty());
    }
}

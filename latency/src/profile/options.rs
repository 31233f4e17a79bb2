//! Settings of a profile.

use std::collections::HashSet;
use std::time::Duration;

use mnas_space::{Architecture, BlockKey};

use crate::measure::MeasureSettings;

/// Effort, order and extent of a profile.
#[derive(Debug, Clone)]
pub struct ProfileOptions {
    /// Effort for each measurement.
    pub measure: MeasureSettings,
    /// Seed of the random order in which layers are measured, so that drift does not affect similar layers in the same way.
    pub seed: u64,
    /// Time after which no further layer is started; the calibration networks are still completed.
    pub time_cap: Option<Duration>,
    /// Number of rounds over the whole networks; each round samples every network once.
    pub network_rounds: usize,
    /// Number of random networks for calibration, in addition to two variants of each reference.
    pub calibration_draws: usize,
    /// Layers to measure after those of the whole networks and before all others, so that they are measured even if the time does not
    /// suffice for all layers.
    pub common: HashSet<BlockKey>,
    /// Whole networks for validation: they are measured in the same rounds as the table's networks but not added to the table. Networks
    /// that are in the table, or that the profile adds to it, are skipped.
    pub validation: Vec<Architecture>,
}

impl ProfileOptions {
    /// Options for profiling a space within minutes.
    pub fn quick() -> Self {
        Self {
            measure: MeasureSettings::quick(),
            seed: 0,
            time_cap: None,
            network_rounds: 8,
            calibration_draws: 24,
            common: HashSet::new(),
            validation: Vec::new(),
        }
    }

    /// Options for an accurate table.
    pub fn thorough() -> Self {
        Self {
            measure: MeasureSettings::thorough(),
            network_rounds: 20,
            calibration_draws: 72,
            ..Self::quick()
        }
    }
}

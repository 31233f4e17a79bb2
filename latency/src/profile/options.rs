//! Settings of a profile.

use std::collections::HashSet;
use std::time::Duration;

use mnas_space::{Architecture, BlockKey};

use crate::measure::MeasureSettings;

/// Effort, order and extent of a profile.
#[derive(Debug, Clone)]
pub struct ProfileOptions {
    /// Effort for each layer.
    pub measure: MeasureSettings,
    /// Seed of the order in which layers are measured, so that drift does not fall on neighbours.
    pub seed: u64,
    /// Time after which no further layer is begun; the networks for calibration still follow.
    pub time_cap: Option<Duration>,
    /// Number of rounds in which the whole networks are measured, one after the other in each.
    pub network_rounds: usize,
    /// Random networks that a table is calibrated with, beside two of each reference.
    pub calibration_draws: usize,
    /// Layers that are measured before others, after those of the whole networks: where the time does not suffice for all, these are not
    /// left to be predicted.
    pub common: HashSet<BlockKey>,
    /// Whole networks that are measured in the same rounds as the table's and stay out of it, to validate its predictions. Those that the
    /// table has, or that are to be added to it, are left out.
    pub validation: Vec<Architecture>,
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
            validation: Vec::new(),
        }
    }

    /// A table for the record.
    pub fn thorough() -> Self {
        Self {
            measure: MeasureSettings::thorough(),
            network_rounds: 20,
            calibration_draws: 72,
            ..Self::quick()
        }
    }
}

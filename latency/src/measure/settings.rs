//! Effort spent on a measurement.

/// Number and length of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureSettings {
    /// Untimed runs before the first sample.
    pub warm_up_runs: u32,
    /// Shortest duration of a sample; a short model runs several times in one, which counts as the median of them.
    pub sample_ms: f64,
    /// The same for a whole network, whose samples are few and far apart.
    pub network_sample_ms: f64,
    /// Share of the median within which its 95 % confidence interval must lie, both ways. Samples are taken until then, within the
    /// bounds below.
    pub relative_error: f64,
    /// Least number of samples.
    pub min_samples: usize,
    /// Greatest number of samples.
    pub max_samples: usize,
    /// Time after which only the least number of samples is taken.
    pub max_ms: f64,
    /// Time that the anchor runs for its reference time.
    pub reference_ms: f64,
    /// True if the measuring thread is kept on one processor where that is possible.
    pub pin: bool,
}

impl MeasureSettings {
    /// About 25 ms for a layer: a table in minutes.
    pub fn quick() -> Self {
        Self {
            warm_up_runs: 2,
            sample_ms: 0.3,
            network_sample_ms: 1.0,
            relative_error: 0.02,
            min_samples: 9,
            max_samples: 31,
            max_ms: 20.0,
            reference_ms: 500.0,
            pin: true,
        }
    }

    /// About 60 ms for a layer: a table for the record.
    pub fn thorough() -> Self {
        Self {
            warm_up_runs: 5,
            sample_ms: 0.5,
            network_sample_ms: 1.0,
            relative_error: 0.01,
            min_samples: 15,
            max_samples: 75,
            max_ms: 60.0,
            reference_ms: 2000.0,
            pin: true,
        }
    }
}

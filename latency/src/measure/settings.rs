//! Effort spent on a measurement.

/// Number and length of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureSettings {
    /// Number of untimed runs before the first sample.
    pub warm_up_runs: u32,
    /// Minimum duration of a sample in milliseconds; a fast model runs several times in a sample, whose value is their median.
    pub sample_ms: f64,
    /// Minimum duration of a sample of a whole network in milliseconds; its samples are few and far apart in time.
    pub network_sample_ms: f64,
    /// Required half-width of the median's 95 % confidence interval, as a share of the median. Sampling stops when it is reached, within
    /// the bounds below.
    pub relative_error: f64,
    /// Minimum number of samples.
    pub min_samples: usize,
    /// Maximum number of samples.
    pub max_samples: usize,
    /// Time in milliseconds after which sampling stops once the minimum number of samples is reached.
    pub max_ms: f64,
    /// Duration in milliseconds of the measurement of the anchor's reference time.
    pub reference_ms: f64,
    /// True to pin the measuring thread to its processor if the system allows it.
    pub pin: bool,
}

impl MeasureSettings {
    /// Settings for a table within minutes: about 25 ms per layer.
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

    /// Settings for an accurate table: about 60 ms per layer.
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

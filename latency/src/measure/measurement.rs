//! Result of a measurement.

/// Latency of a model, in milliseconds at the anchor's reference speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// Median of the runs.
    pub median_ms: f64,
    /// 10th percentile of the runs.
    pub p10_ms: f64,
    /// 90th percentile of the runs.
    pub p90_ms: f64,
    /// Number of timed inferences, without warm-up.
    pub runs: u32,
    /// Number of runs too far from the median to be noise; they are included in the numbers above.
    pub outliers: u32,
    /// Speed of the machine during the measurement, as a share of its reference speed.
    pub speed: f64,
}

impl Measurement {
    /// Measurement of a layer without operations.
    pub const NOTHING: Self = Self {
        median_ms: 0.0,
        p10_ms: 0.0,
        p90_ms: 0.0,
        runs: 0,
        outliers: 0,
        speed: 1.0,
    };
}

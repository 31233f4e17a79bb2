//! The outcome of a profile.

use std::time::Duration;

use mnas_space::Architecture;

use crate::duration::Milliseconds;
use crate::machine::Warning;
use crate::measure::Measurement;

/// The reason for which a profile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Every layer and network is measured or refused.
    Complete,
    /// The time cap was reached before the last layer.
    TimeCap,
    /// It was cancelled; all measurements so far are kept.
    Cancelled,
}

/// A whole network and its latency.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredNetwork {
    /// The network.
    pub architecture: Architecture,
    /// Its latency.
    pub measurement: Measurement,
    /// Medians of the first and the second half of its samples.
    pub halves: Option<(Milliseconds, Milliseconds)>,
}

/// The outcome of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileReport {
    /// The reason for its end.
    pub stop: StopReason,
    /// Layers measured in this run.
    pub layers: usize,
    /// Whole networks measured in this run.
    pub networks: usize,
    /// Layers among them whose interval stayed wider than demanded when a cap was reached.
    pub unsettled: usize,
    /// Models that the runtime does not execute, by its messages.
    pub refused: Vec<String>,
    /// Share of the layers in question that is in the table now.
    pub coverage: f64,
    /// Slowest and fastest speed of the machine while measuring, as a share of its reference speed.
    pub speed_range: Option<(f64, f64)>,
    /// Runs too far from their median to be noise; they are part of the numbers.
    pub outliers: u64,
    /// All runs.
    pub runs: u64,
    /// The networks of [`super::ProfileOptions::validation`]; none where the profile was cancelled.
    pub validation: Vec<MeasuredNetwork>,
    /// Reasons not to trust the numbers.
    pub warnings: Vec<Warning>,
    /// Time used.
    pub elapsed: Duration,
}

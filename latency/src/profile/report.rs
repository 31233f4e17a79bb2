//! Report of a profile.

use std::time::Duration;

use mnas_space::Architecture;

use crate::duration::Milliseconds;
use crate::machine::Warning;
use crate::measure::Measurement;

/// Reason why a profile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Every layer and network is measured or refused.
    Complete,
    /// The time cap was reached before the last layer.
    TimeCap,
    /// The profile was cancelled; all measurements so far are kept.
    Cancelled,
}

/// Whole network with its measured latency.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredNetwork {
    /// Network.
    pub architecture: Architecture,
    /// Measured latency.
    pub measurement: Measurement,
    /// Medians of the first and the second half of the samples; see [`crate::ComparedNetwork::halves`].
    pub halves: Option<(Milliseconds, Milliseconds)>,
}

/// Report of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileReport {
    /// Reason why the profile ended.
    pub stop: StopReason,
    /// Number of layers measured in this run.
    pub layers: usize,
    /// Number of whole networks measured in this run.
    pub networks: usize,
    /// Number of layers measured in this run whose interval was wider than required when a cap was reached.
    pub unsettled: usize,
    /// Runtime's messages for models that it does not execute.
    pub refused: Vec<String>,
    /// Share of the requested layers that are in the table at the end.
    pub coverage: f64,
    /// Slowest and fastest speed of the machine while measuring, as a share of its reference speed.
    pub speed_range: Option<(f64, f64)>,
    /// Number of runs too far from their median to be noise; they are included in the measurements.
    pub outliers: u64,
    /// Number of all runs.
    pub runs: u64,
    /// Measurements of [`super::ProfileOptions::validation`]; empty if the profile was cancelled.
    pub validation: Vec<MeasuredNetwork>,
    /// Conditions that make the measurements less reliable.
    pub warnings: Vec<Warning>,
    /// Time used.
    pub elapsed: Duration,
}

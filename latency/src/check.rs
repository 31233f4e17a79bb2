//! Check of a table by measuring a sample of its rows again on the device.

use std::sync::atomic::{AtomicBool, Ordering};

use mnas_space::random::stream;
use mnas_space::{Architecture, BlockKey};
use rand::seq::SliceRandom;

use crate::error::LatencyError;
use crate::machine::Warning;
use crate::measure::{MeasureSettings, Measurement, Measurer};
use crate::runtime::{Model, Runtime};
use crate::statistics;
use crate::table::LatencyTable;

/// Options of a check.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Effort for each measurement.
    pub measure: MeasureSettings,
    /// Maximum number of layers to measure again; in addition, a tenth as many whole networks are measured.
    pub sample: usize,
    /// Seed for selecting them.
    pub seed: u64,
    /// Largest accepted distance of a measurement from its row, as a share of the row.
    pub tolerance: f64,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            measure: MeasureSettings::quick(),
            sample: 40,
            seed: 0,
            tolerance: 0.15,
        }
    }
}

/// Row of a table that was measured again.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedRow {
    /// Block key or architecture.
    pub name: String,
    /// Measurement in the table.
    pub recorded: Measurement,
    /// New measurement.
    pub measured: Measurement,
}

impl CheckedRow {
    /// New median latency divided by the recorded one.
    pub fn ratio(&self) -> f64 {
        self.measured.median_ms / self.recorded.median_ms
    }
}

/// Report of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    /// Rows measured again, the one with the largest deviation first.
    pub rows: Vec<CheckedRow>,
    /// Largest accepted distance of a measurement from its row, as a share of the row.
    pub tolerance: f64,
    /// Speed of the anchor now, as a share of its reference speed in the table. Rows are normalised by the anchor, so a machine
    /// that is slower as a whole still agrees with its table.
    pub speed: f64,
    /// Runtime's messages for rows that it no longer executes.
    pub refused: Vec<String>,
    /// Conditions that make the check itself unreliable.
    pub warnings: Vec<Warning>,
    /// True if the check was cancelled before the end.
    pub cancelled: bool,
}

/// Share of the rows that may deviate by more than the tolerance: single medians can be wrong on a noisy machine.
const MAY_BE_OFF: f64 = 0.2;

/// Largest accepted deviation of the median ratio, as a share of the tolerance: errors of single rows cancel out in it.
const MIDDLE: f64 = 0.5;

/// Largest accepted factor between the anchor's speed now and at the time of the table.
const SPEED: f64 = 1.5;

impl CheckReport {
    /// Number of rows within the tolerance.
    pub fn agreeing(&self) -> usize {
        let agrees = |row: &&CheckedRow| (row.ratio().ln()).abs() <= (1.0 + self.tolerance).ln();
        self.rows.iter().filter(agrees).count()
    }

    /// Median of all ratios; 1 if nothing was measured.
    pub fn median_ratio(&self) -> f64 {
        let ratios: Vec<f64> = self.rows.iter().map(CheckedRow::ratio).collect();
        if ratios.is_empty() {
            1.0
        } else {
            statistics::median(&ratios)
        }
    }

    /// Returns true if the table is still valid for this machine.
    pub fn holds(&self) -> bool {
        let off = self.rows.len() - self.agreeing();
        let middle = self.median_ratio().ln().abs() <= (1.0 + MIDDLE * self.tolerance).ln();
        self.refused.is_empty()
            && middle
            && off as f64 <= MAY_BE_OFF * self.rows.len() as f64
            && self.speed.ln().abs() <= SPEED.ln()
    }
}

/// Row of the table to measure again.
enum Row {
    Layer(BlockKey, Measurement),
    Network(Architecture, Measurement),
}

impl Row {
    fn model(&self) -> Model {
        match self {
            Self::Layer(key, _) => Model::block(key),
            Self::Network(network, _) => Model::network(network),
        }
    }

    fn checked(self, measured: Measurement) -> CheckedRow {
        let (name, recorded) = match self {
            Self::Layer(key, recorded) => (key.to_string(), recorded),
            Self::Network(network, recorded) => (network.to_string(), recorded),
        };
        CheckedRow {
            name,
            recorded,
            measured,
        }
    }
}

/// Measures a sample of `table` again, in random order, without changing it. `cancel` is read between models; `observer` is called
/// with the number of models done and their total number.
///
/// The table must belong to this device, see [`LatencyTable::check`].
pub fn check(
    runtime: &mut dyn Runtime,
    table: &LatencyTable,
    options: &CheckOptions,
    cancel: &AtomicBool,
    observer: &mut dyn FnMut(usize, usize),
) -> Result<CheckReport, LatencyError> {
    let reference_ms = table.header().anchor_reference_ms;
    let now_ms = Measurer::new(runtime, options.measure.clone(), None)?.reference()?.0;
    let mut measurer = Measurer::new(runtime, options.measure.clone(), Some(reference_ms))?;
    let conditions = measurer.conditions()?;
    let threads = table.header().threads;
    let mut report = CheckReport {
        rows: Vec::new(),
        tolerance: options.tolerance,
        speed: reference_ms / now_ms,
        refused: Vec::new(),
        warnings: conditions.map_or_else(Vec::new, |conditions| conditions.warnings(threads)),
        cancelled: false,
    };
    let rows = sample(table, options);
    let total = rows.len();
    for (done, row) in rows.into_iter().enumerate() {
        if cancel.load(Ordering::Relaxed) {
            report.cancelled = true;
            break;
        }
        match measurer.measure(&row.model()) {
            Ok(measurement) => report.rows.push(row.checked(measurement)),
            Err(LatencyError::Runtime(refusal)) if refusal.is_refusal() => report.refused.push(refusal.to_string()),
            Err(error) => return Err(error),
        }
        observer(done + 1, total);
    }
    report
        .rows
        .sort_by(|a, b| b.ratio().ln().abs().total_cmp(&a.ratio().ln().abs()));
    let speeds: Vec<f64> = report.rows.iter().map(|row| row.measured.speed).collect();
    report
        .warnings
        .extend(Warning::drift(&statistics::sorted(&speeds), false));
    Ok(report)
}

/// Selects layers evenly from the table sorted by latency, and some whole networks, in random order.
fn sample(table: &LatencyTable, options: &CheckOptions) -> Vec<Row> {
    // Layers measured on another device cannot be checked on this one.
    let is_own = |_: &(&BlockKey, &Measurement)| table.header().layers_of.is_none();
    let mut layers: Vec<(&BlockKey, &Measurement)> = table.layers().filter(is_own).collect();
    layers.sort_by(|a, b| a.1.median_ms.total_cmp(&b.1.median_ms).then(a.0.cmp(b.0)));
    let mut rng = stream(options.seed, "check", 0, 0);
    let mut picked = Vec::new();
    let strata = options.sample.min(layers.len());
    for stratum in 0..strata {
        let edge = |index: usize| index * layers.len() / strata;
        let mut within: Vec<usize> = (edge(stratum)..edge(stratum + 1)).collect();
        within.shuffle(&mut rng);
        picked.extend(
            within
                .first()
                .map(|index| Row::Layer(*layers[*index].0, *layers[*index].1)),
        );
    }
    let mut networks: Vec<&(Architecture, Measurement)> = table.networks().iter().collect();
    networks.shuffle(&mut rng);
    let wanted = if layers.is_empty() {
        options.sample
    } else {
        options.sample.div_ceil(10)
    };
    let some = networks.into_iter().take(wanted);
    picked.extend(some.map(|(network, row)| Row::Network(network.clone(), *row)));
    picked.shuffle(&mut rng);
    picked
}

#[cfg(test)]
mod tests;

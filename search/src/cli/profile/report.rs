//! The closing report of a profile.

use std::collections::BTreeSet;
use std::path::PathBuf;

use mnas_latency::{LatencyTable, Predictor};
use mnas_space::BlockKey;
use serde::Serialize;

use super::predictions::Figures;
use super::progress::Totals;
use crate::report::units;

/// Number of standard deviations within which 80 % of a normal distribution lie.
const INTERVAL: f64 = 1.2816;

/// Report of a profile.
#[derive(Debug, Serialize)]
pub struct Document {
    device: String,
    table: PathBuf,
    space: String,
    layers: usize,
    measured: usize,
    coverage: f64,
    /// The device that the layers were measured on, if not this one.
    layers_of: Option<String>,
    networks: usize,
    held_out_mean_error: Option<f64>,
    /// Half the width of a prediction's interval, for networks like those measured.
    interval: Option<f64>,
    cost_model_held_out_error: Option<f64>,
    /// Errors of predictions on networks that took no part in the fit.
    pub predictions: Option<Figures>,
    /// Files with these predictions.
    pub files: Vec<PathBuf>,
    /// Measurements added by this run.
    run: Run,
}

#[derive(Debug, Serialize)]
struct Run {
    layers: usize,
    networks: usize,
    seconds: f64,
    unsettled: usize,
    runs: u64,
    outliers: u64,
    slowest_speed: Option<f64>,
    fastest_speed: Option<f64>,
    refused: Vec<String>,
    warnings: Vec<String>,
}

impl From<Totals> for Run {
    fn from(totals: Totals) -> Self {
        Self {
            layers: totals.layers,
            networks: totals.networks,
            seconds: totals.seconds,
            unsettled: totals.unsettled,
            runs: totals.runs,
            outliers: totals.outliers,
            slowest_speed: totals.speed_range.map(|(slow, _)| slow),
            fastest_speed: totals.speed_range.map(|(_, fast)| fast),
            refused: totals.refused,
            warnings: totals.warnings,
        }
    }
}

impl Document {
    /// Summarises a table and its predictor for a space with these layers, and the additions of a run.
    pub fn new(
        table: &LatencyTable,
        predictor: &Predictor,
        keys: &BTreeSet<BlockKey>,
        space: &str,
        totals: Totals,
    ) -> Self {
        let measured = keys.iter().filter(|key| table.get(key).is_some()).count();
        let complete = measured == keys.len();
        let calibration = predictor.calibration();
        Self {
            device: table.header().device.clone(),
            table: table.folder().to_path_buf(),
            space: space.to_owned(),
            layers: keys.len(),
            measured,
            coverage: measured as f64 / keys.len().max(1) as f64,
            layers_of: table.header().layers_of.clone(),
            networks: calibration.networks,
            held_out_mean_error: calibration.held_out_mean_error,
            interval: calibration.held_out_rms_error.map(|error| INTERVAL * error),
            cost_model_held_out_error: (!complete).then(|| predictor.cost_model().held_out_error()),
            predictions: None,
            files: Vec::new(),
            run: totals.into(),
        }
    }

    /// The report as lines of text.
    pub fn lines(&self) -> Vec<String> {
        let percent = |share: f64| units::percent(100.0 * share);
        let origin = self.layers_of.as_ref().map(|origin| format!(" on {origin}"));
        let mut lines = vec![format!(
            "{} of {} layers of {} measured{} ({}), table in {}",
            self.measured,
            self.layers,
            self.space,
            origin.unwrap_or_default(),
            percent(self.coverage),
            self.table.display()
        )];
        let run = &self.run;
        if run.layers + run.networks > 0 {
            lines.push(format!(
                "this run: {} layers and {} whole networks in {}; {} of {} runs were interrupted and are counted in, {} layers hit a cap before \
                 their interval was narrow",
                run.layers,
                run.networks,
                units::seconds(run.seconds),
                units::count(run.outliers),
                units::count(run.runs),
                run.unsettled
            ));
        }
        if let (Some(slow), Some(fast)) = (run.slowest_speed, run.fastest_speed) {
            lines.push(format!(
                "drift: the machine ran at {:.0} to {:.0} % of its reference speed, corrected by the anchor network",
                100.0 * slow,
                100.0 * fast
            ));
        }
        if !run.refused.is_empty() {
            lines.push(format!(
                "refused by the runtime: {} models, see the warnings",
                run.refused.len()
            ));
        }
        lines.extend(self.predictions.as_ref().map(Figures::line));
        if let Some(interval) = self.interval {
            lines.push(format!(
                "intervals: 80 % of networks like these are expected within {} of their prediction; intervals of others are wider",
                percent(interval)
            ));
        }
        if let Some(error) = self.cost_model_held_out_error {
            lines.push(format!(
                "layers not measured are predicted, within {} on average on layers left out",
                percent(error)
            ));
        }
        lines.extend(self.files.iter().map(|file| format!("wrote {}", file.display())));
        lines
    }
}

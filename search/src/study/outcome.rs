//! What a study shows for itself: tables, plots and the files of its best network, all from journal and configuration.

use std::path::PathBuf;

use mnas_latency::runtimes::OnnxRuntime;

use crate::export::{self, ExportError};
use crate::report::{
    PlotSpec, ReportError, ReportRow, RowKind, RowStatus, best_row, mark_front, write_plots, write_tables,
};
use mnas_engine::study::{StudyConfig, StudyFolder, StudyState, Trial, TrialKind, TrialOutcome};
use mnas_engine::training::weights::Weights;

/// A study's rows, ready to be shown.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Every trial, front and budget marked.
    pub rows: Vec<ReportRow>,
    /// Index of the most accurate candidate within the budget.
    pub best: Option<usize>,
    /// What the plot says.
    pub plot: PlotSpec,
}

/// Builds the rows of a study.
pub fn outcome(config: &StudyConfig, state: &StudyState) -> Outcome {
    let mut rows: Vec<ReportRow> = state.trials.values().map(row).collect();
    mark_front(&mut rows, Some(config.budget.0));
    let best = best_row(&rows);
    Outcome {
        rows,
        best,
        plot: plot_spec(config, state),
    }
}

fn row(trial: &Trial) -> ReportRow {
    let cost = trial.architecture.cost();
    let (kind, name) = match &trial.kind {
        TrialKind::Candidate => (RowKind::Candidate, String::new()),
        TrialKind::Reference { title, width, .. } => (
            RowKind::Reference,
            format!("{title} {width:?}x {}", trial.architecture.resolution),
        ),
    };
    let (status, train_seconds) = match &trial.outcome {
        TrialOutcome::Pending => (RowStatus::Pending, None),
        TrialOutcome::Finished(result) => (RowStatus::Complete, Some(result.seconds)),
        TrialOutcome::Failed { .. } => (RowStatus::Failed, None),
    };
    let (latency_ms, low_ms, high_ms) = trial.latency_ms;
    ReportRow {
        trial: Some(trial.number),
        name,
        architecture: trial.architecture.to_string(),
        status,
        accuracy: trial.accuracy(),
        latency_ms: Some(latency_ms),
        latency_low_ms: Some(low_ms),
        latency_high_ms: Some(high_ms),
        measured_ms: trial.measured_ms,
        params: cost.params,
        macs: cost.macs,
        peak_activation_bytes: cost.peak_activation_bytes,
        resolution: trial.architecture.resolution,
        train_seconds,
        ..ReportRow::new(kind, trial.id.to_string())
    }
}

fn plot_spec(config: &StudyConfig, state: &StudyState) -> PlotSpec {
    let mut plot = PlotSpec::new(config.name.clone());
    plot.budget_ms = Some(config.budget.0);
    "validation top-1 accuracy (%)".clone_into(&mut plot.accuracy_title);
    plot.latency_title = format!("predicted latency on {} (ms)", config.device);
    plot.subtitle.push(format!(
        "device {}: {}, batch 1",
        config.device, config.versions.runtime
    ));
    if let Some(data) = &state.data {
        let demo = if data.demo {
            "synthetic demo images, accuracies mean nothing beyond the demo"
        } else {
            "data"
        };
        plot.subtitle.push(format!("{demo}: {}", data.description));
        plot.subtitle.push(config.fidelity(data.train, data.val));
    }
    plot
}

/// Writes `trials.csv`, `front.csv`, `front.svg` and `front.png`.
pub fn redraw(folder: &StudyFolder, outcome: &Outcome) -> Result<Vec<PathBuf>, ReportError> {
    let mut paths = write_tables(folder.root(), &outcome.rows)?.to_vec();
    paths.extend(write_plots(folder.root(), &outcome.rows, &outcome.plot)?);
    Ok(paths)
}

/// What became of the best network's files.
#[derive(Debug, Clone, PartialEq)]
pub enum BestFiles {
    /// Written, and checked where an ONNX Runtime was at hand: the largest difference between libtorch's scores and the
    /// file's, as a share of the largest score.
    Written {
        /// The largest difference, `None` where it was not checked.
        difference: Option<f64>,
    },
    /// There is no candidate within the budget.
    None,
    /// The weights are gone (pruned, or the study was moved without them); only the architecture was written.
    WithoutWeights,
}

/// Writes `best/`: `architecture.toml`, `weights.safetensors`, `model.onnx`.
pub fn write_best(
    folder: &StudyFolder,
    state: &StudyState,
    outcome: &Outcome,
    runtime: Option<&OnnxRuntime>,
) -> Result<BestFiles, ExportError> {
    let best = outcome.best.and_then(|index| outcome.rows[index].trial);
    let Some(trial) = best.and_then(|number| state.trials.get(&number)) else {
        return Ok(BestFiles::None);
    };
    let into = folder.best();
    export::write_toml(&trial.architecture, &into.join("architecture.toml"))?;
    let source = folder.weights(trial.number);
    if !source.exists() {
        return Ok(BestFiles::WithoutWeights);
    }
    let weights = Weights::read(&source)?;
    weights.write(&into.join("weights.safetensors"))?;
    let model = into.join("model.onnx");
    export::write_onnx(&trial.architecture, &weights, &source, &model)?;
    let difference = runtime
        .map(|runtime| export::check_onnx(&trial.architecture, &source, &model, runtime))
        .transpose()?;
    Ok(BestFiles::Written { difference })
}

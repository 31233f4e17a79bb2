//! Tables, plots and the files of the best network of a study, all from its journal and configuration.

use std::path::PathBuf;

use mnas_latency::runtimes::OnnxRuntime;

use crate::export::{self, ExportError};
use crate::report::{PlotSpec, ReportError, ReportRow, RowKind, RowStatus, mark_front, write_plots, write_tables};
use mnas_engine::problem::Problem;
use mnas_engine::study::{self, StudyConfig, StudyFolder, StudyState, Trial, TrialKind, TrialOutcome};
use mnas_engine::training::weights::Weights;

/// A study's rows, ready to be shown.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Every trial, front and budget marked.
    pub rows: Vec<ReportRow>,
    /// Index of the most accurate candidate within the budget.
    pub best: Option<usize>,
    /// Texts of the plot.
    pub plot: PlotSpec,
}

/// Builds the rows of a study.
pub fn outcome(config: &StudyConfig, problem: &Problem, state: &StudyState) -> Outcome {
    let mut rows: Vec<ReportRow> = state.trials().iter().map(|trial| row(trial, problem)).collect();
    let is_score = config.scoring().is_some();
    for row in &mut rows {
        row.is_score = is_score;
    }
    mark_front(&mut rows);
    let best = study::best(problem, state.candidates()).map(|trial| trial.number as usize);
    Outcome {
        rows,
        best,
        plot: plot_spec(config, state),
    }
}

fn row(trial: &Trial, problem: &Problem) -> ReportRow {
    let (kind, name) = match &trial.kind {
        TrialKind::Candidate => (RowKind::Candidate, String::new()),
        TrialKind::Reference { title, width, .. } => (
            RowKind::Reference,
            format!("{title} {width:?}x {}", trial.architecture.resolution),
        ),
    };
    let (status, train_seconds) = match &trial.outcome {
        TrialOutcome::Pending => (RowStatus::Pending, None),
        TrialOutcome::Finished(result) => (RowStatus::Complete, result.training.as_ref().map(|_| result.seconds)),
        TrialOutcome::Failed { .. } => (RowStatus::Failed, None),
    };
    let prediction = trial.costs.latency.first();
    ReportRow {
        trial: Some(trial.number),
        name,
        architecture: trial.architecture.to_string(),
        status,
        accuracy: trial.accuracy(),
        latency_ms: prediction.map(|prediction| prediction.latency.0),
        latency_low_ms: prediction.map(|prediction| prediction.low.0),
        latency_high_ms: prediction.map(|prediction| prediction.high.0),
        measured_ms: trial.measured_ms.first().copied().flatten(),
        params: trial.costs.params,
        macs: trial.costs.macs,
        peak_activation_bytes: trial.costs.peak_activation_bytes,
        resolution: trial.architecture.resolution,
        train_seconds,
        within_budget: problem.violation(&trial.known_costs()).is_none(),
        ..ReportRow::new(kind, trial.id.to_string())
    }
}

fn plot_spec(config: &StudyConfig, state: &StudyState) -> PlotSpec {
    let mut plot = PlotSpec::new(config.name.clone());
    "validation top-1 accuracy (%)".clone_into(&mut plot.accuracy_title);
    match config.devices.first() {
        Some(device) => {
            plot.budget_ms = device.budget.map(|budget| budget.0);
            plot.latency_title = format!("predicted latency on {} (ms)", device.name);
            plot.subtitle
                .push(format!("device {}: {}, batch 1", device.name, device.runtime));
        }
        None => "multiply-adds (millions)".clone_into(&mut plot.latency_title),
    }
    if config.training().is_none() {
        "recorded top-1 accuracy (%)".clone_into(&mut plot.accuracy_title);
    }
    if let Some(scoring) = config.scoring() {
        plot.accuracy_title = format!("score by {} (rank from 0 to 100, no accuracy)", scoring.score);
    }
    if let Some(data) = state.data() {
        let demo = if data.demo {
            "synthetic demo images, accuracies mean nothing beyond the demo"
        } else {
            "data"
        };
        plot.subtitle.push(format!("{demo}: {}", data.description));
    }
    plot.subtitle
        .push(config.fidelity(state.data().map(|data| (data.train, data.val))));
    plot
}

/// Writes `trials.csv`, `front.csv`, `front.svg` and `front.png`.
pub fn redraw(folder: &StudyFolder, outcome: &Outcome) -> Result<Vec<PathBuf>, ReportError> {
    let mut paths = write_tables(folder.root(), &outcome.rows)?.to_vec();
    paths.extend(write_plots(folder.root(), &outcome.rows, &outcome.plot)?);
    Ok(paths)
}

/// Outcome of writing the best network's files.
#[derive(Debug, Clone, PartialEq)]
pub enum BestFiles {
    /// Written, and checked where an ONNX Runtime was at hand: the largest difference between libtorch's scores and the
    /// file's, as a share of the largest score.
    Written {
        /// The largest difference, `None` where it was not checked.
        difference: Option<f64>,
    },
    /// There is no candidate that keeps the constraints.
    None,
    /// Accuracies were looked up, so that there are no weights; only the architecture was written.
    ArchitectureOnly,
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
    let Some(trial) = best.and_then(|number| state.trial(number)) else {
        return Ok(BestFiles::None);
    };
    let into = folder.best();
    export::write_toml(&trial.architecture, &into.join("architecture.toml"))?;
    let is_trained = matches!(&trial.outcome, TrialOutcome::Finished(result) if result.training.is_some());
    if !is_trained {
        return Ok(BestFiles::ArchitectureOnly);
    }
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

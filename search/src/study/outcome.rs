//! Tables and plots of a study, all from its journal and configuration.

use std::path::PathBuf;

use super::finals::{FinalOutcome, final_outcome};
use crate::report::{
    PlotSpec, ReferenceRow, ReportError, ReportRow, RowKind, RowStatus, mark_front, write_plots, write_references,
    write_tables,
};
use mnas_engine::imagenet::Predictor;
use mnas_engine::problem::{Metric, Problem};
use mnas_engine::study::{
    self, FrontVolume, ReferenceComparison, StudyConfig, StudyFolder, StudyState, Trial, TrialKind, TrialOutcome,
};

/// A study's rows, ready to be shown.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Every trial, front and budget marked.
    pub rows: Vec<ReportRow>,
    /// Index of the most accurate network within the budget, references included.
    pub best: Option<usize>,
    /// Number of distinct networks evaluated until the best was found.
    pub evaluations: usize,
    /// Every evaluated reference beside the candidates.
    pub references: Vec<ReferenceRow>,
    /// Hypervolume of the candidates.
    pub volume: Option<FrontVolume>,
    /// The networks trained in full, where some were chosen.
    pub finals: Option<FinalOutcome>,
    /// Texts of the plot.
    pub plot: PlotSpec,
}

impl Outcome {
    /// Index of the network that the study ends with: the best finalist, where there is one, else the best of the trials.
    pub fn winner(&self) -> Option<usize> {
        let finals = self.finals.as_ref();
        let best = finals.and_then(|finals| Some(finals.rows[finals.best?].trial as usize));
        best.or(self.best)
    }
}

/// Builds the rows of a study.
pub fn outcome(config: &StudyConfig, problem: &Problem, state: &StudyState) -> Outcome {
    let mut rows: Vec<ReportRow> = state.trials().iter().map(|trial| row(trial, problem)).collect();
    let is_score = config.scoring().is_some();
    let full = config.training().map(|training| training.recipe.epochs);
    for (row, trial) in rows.iter_mut().zip(state.trials()) {
        row.is_score = is_score;
        row.epochs = full.map(|full| trial.fidelity.epochs(full));
        let accuracy = trial.accuracy().filter(|_| problem.reward().is_some());
        row.reward = accuracy.map(|accuracy| problem.value(&trial.known_costs(), accuracy));
    }
    for longer in state.trials().iter().filter(|trial| trial.accuracy().is_some()) {
        if let Some(shorter) = longer.start_from {
            rows[shorter as usize].continued_by = Some(longer.number);
        }
    }
    mark_front(&mut rows);
    let plot = plot_spec(config, state);
    let best = study::best(problem, state.trials().iter());
    let references = study::compare_references(problem, state.trials());
    let references = references
        .iter()
        .map(|one| reference_row(one, problem, &rows))
        .collect();
    let mut outcome = Outcome {
        best: best.map(|trial| trial.number as usize),
        evaluations: 0,
        references,
        volume: study::front_volume(problem, state.trials()),
        finals: final_outcome(config, problem, state, &rows, &plot),
        rows,
        plot,
    };
    let winner = outcome.winner();
    outcome.evaluations = winner.map_or(0, |winner| study::evaluations_until(state.trials(), winner as u64));
    outcome
}

fn reference_row(found: &ReferenceComparison, problem: &Problem, rows: &[ReportRow]) -> ReferenceRow {
    let row = &rows[found.trial as usize];
    let saved_in = |wanted: bool| found.saved.filter(|_| wanted);
    let metric = problem.size_metric();
    ReferenceRow {
        name: row.name.clone(),
        top1: found.accuracy,
        latency_ms: row.decisive_latency_ms(),
        macs: row.macs,
        within_budget: found.within_budget,
        dominated: found.dominated,
        points: found.points,
        ms: saved_in(matches!(metric, Metric::Latency(_))),
        macs_saved: saved_in(metric == Metric::Macs),
    }
}

fn row(trial: &Trial, problem: &Problem) -> ReportRow {
    let (kind, name) = match &trial.kind {
        TrialKind::Candidate | TrialKind::Imported { .. } => (RowKind::Candidate, String::new()),
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
        imagenet_top1: Predictor::embedded()
            .predict(&trial.architecture)
            .ok()
            .map(|predicted| predicted.top1),
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
        plot.accuracy_title = format!("score by {} (rank from 0 to 100, not an accuracy)", scoring.score);
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

/// Writes `trials.csv`, `front.csv`, `references.csv`, `front.svg` and `front.png`, and the files of the finalists.
pub fn redraw(folder: &StudyFolder, outcome: &Outcome) -> Result<Vec<PathBuf>, ReportError> {
    let mut paths = write_tables(folder.root(), &outcome.rows)?.to_vec();
    paths.extend(write_references(folder.root(), &outcome.references)?);
    paths.extend(write_plots(folder.root(), &outcome.rows, &outcome.plot)?);
    if let Some(finals) = &outcome.finals {
        paths.extend(finals.write(folder)?);
    }
    Ok(paths)
}

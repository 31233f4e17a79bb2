//! Networks of a study that were trained in full: rows, figure and best.

use std::path::PathBuf;

use mnas_engine::problem::Problem;
use mnas_engine::study::{Beside, Finalist, StudyConfig, StudyFolder, StudyState};

use crate::report::{
    FinalistRow, PlotSpec, ReportError, ReportRow, RowKind, RowStatus, front_figure_with_best, mark_front,
    write_figure, write_finalists,
};

/// The second front of a study, of networks trained in full.
#[derive(Debug, Clone)]
pub struct FinalOutcome {
    /// Every network chosen, in the order of choice.
    pub rows: Vec<FinalistRow>,
    /// Index of the best: the most accurate on validation images among those that keep every constraint. The test split is not
    /// used for the choice.
    pub best: Option<usize>,
    /// True if the data set has a test split.
    pub has_test: bool,
    /// Extent of each training: `recipe cifar, 200 epochs`.
    pub spent: String,
    /// Rows of the figure, at the same indices.
    drawn: Vec<ReportRow>,
    plot: PlotSpec,
}

/// Builds the rows of the finalists from those of the trials; `None` where none was chosen. `plot` holds the texts of the trials'
/// figure.
pub(super) fn final_outcome(
    config: &StudyConfig,
    problem: &Problem,
    state: &StudyState,
    trials: &[ReportRow],
    plot: &PlotSpec,
) -> Option<FinalOutcome> {
    if state.finals().is_empty() {
        return None;
    }
    let finals = config.training()?.finals.as_ref()?;
    let mut rows: Vec<FinalistRow> = state
        .finals()
        .all()
        .iter()
        .map(|finalist| row(finalist, &trials[finalist.trial as usize]))
        .collect();
    compare(&mut rows, problem);
    let best = (0..rows.len())
        .filter(|&index| rows[index].within_budget && rows[index].val_top1.is_some())
        .max_by(|&one, &other| {
            let accuracy = |index: usize| {
                let costs = state.trials()[rows[index].trial as usize].known_costs();
                problem.value(&costs, rows[index].val_top1.unwrap_or(f64::NEG_INFINITY))
            };
            accuracy(one).total_cmp(&accuracy(other)).then(other.cmp(&one))
        });
    if let Some(best) = best {
        rows[best].best = true;
    }
    let has_test = rows.iter().any(|row| row.test_top1.is_some());
    let spent = format!("recipe {}, {} epochs", finals.recipe.name, finals.recipe.epochs);
    let mut drawn: Vec<ReportRow> = rows.iter().map(|row| drawn_row(row, trials)).collect();
    mark_front(&mut drawn);
    Some(FinalOutcome {
        plot: final_plot(plot, config, has_test, &spent),
        rows,
        best,
        has_test,
        spent,
        drawn,
    })
}

fn row(finalist: &Finalist, trial: &ReportRow) -> FinalistRow {
    let test = finalist.test();
    let seconds = match &finalist.outcome {
        mnas_engine::study::TrialOutcome::Finished(result) => Some(result.seconds),
        _ => None,
    };
    let int8 = finalist.int8.as_ref();
    let latency = int8.and_then(|int8| int8.latency);
    FinalistRow {
        name: trial.label(),
        trial: finalist.trial,
        role: finalist.role,
        is_reference: trial.kind == RowKind::Reference,
        id: trial.id.clone(),
        architecture: trial.architecture.clone(),
        latency_ms: trial.decisive_latency_ms(),
        params: trial.params,
        macs: trial.macs,
        trial_top1: trial.accuracy,
        val_top1: finalist.val_top1(),
        test_top1: test.map(|test| test.top1),
        test_top5: test.map(|test| test.top5),
        int8_top1: int8.map(|int8| int8.top1),
        int8_latency_ms: latency.map(|latency| latency.int8_ms),
        litert_latency_ms: latency.map(|latency| latency.fp32_ms),
        train_seconds: seconds,
        within_budget: trial.within_budget,
        dominated: None,
        points: None,
        ms: None,
        best: false,
    }
}

/// Compares every reference with the candidates that were trained in full.
fn compare(rows: &mut [FinalistRow], problem: &Problem) {
    let has_device = !problem.devices.is_empty();
    let place = |row: &FinalistRow| Some((row.latency_ms.unwrap_or(row.macs as f64), row.final_top1()?));
    let candidates: Vec<(f64, f64)> = rows
        .iter()
        .filter(|row| !row.is_reference && row.within_budget)
        .filter_map(place)
        .collect();
    for row in rows.iter_mut().filter(|row| row.is_reference) {
        if let Some(at) = place(row) {
            let beside = Beside::of(at, &candidates);
            row.dominated = Some(beside.dominated);
            row.points = beside.points;
            row.ms = beside.saved.filter(|_| has_device);
        }
    }
}

/// A row of the figure: final accuracy over the latency that decides.
fn drawn_row(row: &FinalistRow, trials: &[ReportRow]) -> ReportRow {
    let trial = &trials[row.trial as usize];
    let accuracy = row.final_top1();
    ReportRow {
        accuracy,
        status: if accuracy.is_some() {
            RowStatus::Complete
        } else {
            RowStatus::Pending
        },
        // A measured latency replaces the predicted one.
        latency_ms: trial.latency_ms.filter(|_| trial.measured_ms.is_none()),
        latency_low_ms: None,
        latency_high_ms: None,
        train_seconds: row.train_seconds,
        epochs: None,
        reward: None,
        continued_by: None,
        ..trial.clone()
    }
}

fn final_plot(plot: &PlotSpec, config: &StudyConfig, has_test: bool, spent: &str) -> PlotSpec {
    let split = if has_test { "test" } else { "validation" };
    let mut subtitle = plot.subtitle.clone();
    // The last line describes the fidelity of the trials.
    subtitle.pop();
    subtitle.push(format!("trained in full as deployed: {spent}"));
    PlotSpec {
        title: format!("{}: finalists", plot.title),
        subtitle,
        budget_ms: plot.budget_ms,
        accuracy_title: format!("final, {split} top-1 (%)"),
        latency_title: match config.devices.first() {
            Some(device) => format!("measured latency on {} (ms)", device.name),
            None => plot.latency_title.clone(),
        },
    }
}

impl FinalOutcome {
    /// Writes `finalists.csv`, `finalists.svg` and `finalists.png`.
    pub fn write(&self, folder: &StudyFolder) -> Result<Vec<PathBuf>, ReportError> {
        let mut paths = vec![write_finalists(folder.root(), &self.rows)?];
        let figure = front_figure_with_best(&self.drawn, &self.plot, self.best);
        paths.extend(write_figure(folder.root(), "finalists", &figure.draw()?)?);
        Ok(paths)
    }
}

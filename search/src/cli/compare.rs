//! `mnas compare`: fronts and courses of several studies.

use std::path::{Path, PathBuf};

use clap::Args;
use mnas_engine::files;
use mnas_engine::study::Trial;
use mnas_figures::{Caption, XyFigure};
use serde::Serialize;

use super::error::CliError;
use crate::comparison::{ComparedStudy, Comparison, Progress, Step, compare, course_figure, fronts_figure};
use crate::report::{Heading, Printer, ReportError, listing, to_csv_text, units, write_figure};

/// `mnas compare`
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Folders of studies with the same objectives, data and recipe, or the same recorded table
    #[arg(required = true, value_name = "STUDY")]
    studies: Vec<PathBuf>,
    /// The folder of the figures and CSV files
    #[arg(long, value_name = "DIR", default_value = "results/comparison")]
    out: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &CompareArguments, printer: &Printer) -> Result<(), CliError> {
    let comparison = compare(&arguments.studies)?;
    warn_of_budgets(&comparison, printer);
    let paths = write(&comparison, &arguments.out)?;
    for path in &paths {
        printer.status(&format!("wrote {}", path.display()));
    }
    if arguments.json {
        return Ok(printer.json(&Document::of(&comparison, paths))?);
    }
    printer.result(&table(&comparison, printer.table_options().width))?;
    Ok(printer.result(&format!(
        "hypervolume in percent of the box between the worst and the best of all trials; its reference point: {}",
        comparison.describe_reference_point()
    ))?)
}

/// Warns where budgets or limits differ: the best networks then keep different ones.
fn warn_of_budgets(comparison: &Comparison, printer: &Printer) {
    let bounds = |study: &ComparedStudy| {
        let budgets = study
            .config
            .devices
            .iter()
            .map(|device| (device.name.clone(), device.budget));
        (budgets.collect::<Vec<_>>(), study.config.limits)
    };
    let mut all = comparison.studies.iter().map(bounds);
    if let Some(first) = all.next()
        && all.any(|other| other != first)
    {
        printer.warning("the studies have different budgets or limits: each one's best network keeps its own");
    }
}

fn write(comparison: &Comparison, folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    files::create_folder(folder)?;
    let mut paths = Vec::new();
    for (name, figure) in [
        (
            "fronts",
            fronts_figure(comparison, caption(comparison, "Pareto fronts")),
        ),
        (
            "trials",
            course_figure(comparison, Progress::Trials, caption(comparison, "Search over trials")),
        ),
        (
            "time",
            course_figure(comparison, Progress::Time, caption(comparison, "Search over time")),
        ),
    ] {
        paths.extend(draw(folder, name, &figure)?);
    }
    for (name, text) in [
        ("course.csv", to_csv_text(&course_rows(comparison))?),
        ("fronts.csv", to_csv_text(&front_rows(comparison))?),
    ] {
        let path = folder.join(name);
        files::write_atomically(&path, text.as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

fn draw(folder: &Path, name: &str, figure: &XyFigure) -> Result<[PathBuf; 2], CliError> {
    Ok(write_figure(folder, name, &figure.draw().map_err(ReportError::from)?)?)
}

fn caption(comparison: &Comparison, what: &str) -> Caption {
    let studies = &comparison.studies;
    let names: Vec<&str> = studies.iter().map(|study| study.name.as_str()).collect();
    let origin = studies.first().map_or_else(String::new, |study| {
        let images = study.state.data().map(|data| (data.train, data.val));
        study.config.fidelity(images)
    });
    Caption {
        title: format!("{what} of {} studies", studies.len()),
        subtitle: vec![
            origin,
            format!(
                "hypervolume with reference point {}",
                comparison.describe_reference_point()
            ),
        ],
        description: format!("{what}: {}", names.join(", ")),
    }
}

/// A row of `course.csv`.
#[derive(Serialize)]
struct CourseRow<'a> {
    study: &'a str,
    strategy: &'static str,
    seed: u64,
    trials: usize,
    seconds: f64,
    best_top1: Option<f64>,
    hypervolume_percent: f64,
}

fn course_rows(comparison: &Comparison) -> Vec<CourseRow<'_>> {
    fn row<'a>(study: &'a ComparedStudy, step: &Step) -> CourseRow<'a> {
        CourseRow {
            study: &study.name,
            strategy: study.config.strategy.name(),
            seed: study.config.seed,
            trials: step.trials,
            seconds: step.seconds,
            best_top1: step.best,
            hypervolume_percent: step.hypervolume_percent,
        }
    }
    let studies = comparison.studies.iter();
    studies
        .flat_map(|study| study.course.steps.iter().map(move |step| row(study, step)))
        .collect()
}

/// A row of `fronts.csv`, and a network of the JSON document.
#[derive(Serialize)]
struct FrontRow<'a> {
    study: &'a str,
    trial: u64,
    id: String,
    top1: Option<f64>,
    latency_ms: Option<f64>,
    params: u64,
    macs: u64,
    peak_activation_bytes: u64,
    file_bytes: u64,
    architecture: String,
}

impl<'a> FrontRow<'a> {
    fn of(study: &'a ComparedStudy, trial: &Trial) -> Self {
        let costs = trial.known_costs();
        Self {
            study: &study.name,
            trial: trial.number,
            id: trial.id.to_string(),
            top1: trial.accuracy(),
            latency_ms: costs.latency.first().map(|prediction| prediction.latency.0),
            params: costs.params,
            macs: costs.macs,
            peak_activation_bytes: costs.peak_activation_bytes,
            file_bytes: costs.file_bytes,
            architecture: trial.architecture.to_string(),
        }
    }
}

fn front_rows(comparison: &Comparison) -> Vec<FrontRow<'_>> {
    let studies = comparison.studies.iter();
    studies
        .flat_map(|study| study.front().into_iter().map(move |trial| FrontRow::of(study, trial)))
        .collect()
}

#[derive(Serialize)]
struct Document<'a> {
    objectives: &'a [String],
    /// The worst value of each objective.
    reference_point: &'a [f64],
    /// The best value of each objective.
    ideal_point: &'a [f64],
    studies: Vec<StudyDocument<'a>>,
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct StudyDocument<'a> {
    name: &'a str,
    study: &'a Path,
    strategy: &'static str,
    seed: u64,
    trials: usize,
    seconds: f64,
    hypervolume_percent: f64,
    /// Trials settled when the best accuracy was reached.
    trials_to_best: Option<usize>,
    best: Option<FrontRow<'a>>,
    front: Vec<FrontRow<'a>>,
}

impl<'a> Document<'a> {
    fn of(comparison: &'a Comparison, files: Vec<PathBuf>) -> Self {
        let studies = comparison.studies.iter().map(|study| {
            let last = last_step(study);
            StudyDocument {
                name: &study.name,
                study: &study.folder,
                strategy: study.config.strategy.name(),
                seed: study.config.seed,
                trials: last.map_or(0, |step| step.trials),
                seconds: last.map_or(0.0, |step| step.seconds),
                hypervolume_percent: last.map_or(0.0, |step| step.hypervolume_percent),
                trials_to_best: study.trials_to_best(),
                best: study.best().map(|trial| FrontRow::of(study, trial)),
                front: study.front().iter().map(|trial| FrontRow::of(study, trial)).collect(),
            }
        });
        Self {
            objectives: comparison
                .studies
                .first()
                .map_or(&[], |study| study.config.objectives.as_slice()),
            reference_point: &comparison.reference_point,
            ideal_point: &comparison.ideal_point,
            studies: studies.collect(),
            files,
        }
    }
}

fn last_step(study: &ComparedStudy) -> Option<&Step> {
    study.course.steps.last()
}

fn table(comparison: &Comparison, width: Option<u16>) -> String {
    let has_latency = comparison.studies.iter().any(|study| !study.config.devices.is_empty());
    let mut headings = vec![
        Heading::text("study"),
        Heading::text("strategy"),
        Heading::number("seed").expendable(3),
        Heading::number("trials"),
        Heading::number("time").expendable(2),
        Heading::number("best top-1"),
        Heading::number("after").expendable(1),
        Heading::number("MAdds").expendable(4),
        Heading::number("front").expendable(2),
        Heading::number("hypervolume"),
    ];
    if has_latency {
        headings.insert(LATENCY, Heading::number("latency").expendable(4));
    }
    let rows: Vec<Vec<String>> = comparison
        .studies
        .iter()
        .map(|study| cells(study, has_latency))
        .collect();
    listing(&headings, &rows, width)
}

/// Index of the latency column.
const LATENCY: usize = 7;

fn cells(study: &ComparedStudy, has_latency: bool) -> Vec<String> {
    let last = last_step(study);
    let best = study.best().map(|trial| FrontRow::of(study, trial));
    let best = best.as_ref();
    let shown = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let mut cells = vec![
        study.name.clone(),
        study.config.strategy.name().to_owned(),
        study.config.seed.to_string(),
        last.map_or(0, |step| step.trials).to_string(),
        shown(last.map(|step| units::seconds(step.seconds))),
        shown(best.and_then(|row| row.top1).map(|accuracy| format!("{accuracy:.2} %"))),
        shown(study.trials_to_best().map(|trials| trials.to_string())),
        shown(best.map(|row| units::count(row.macs))),
        study.front().len().to_string(),
        shown(last.map(|step| format!("{:.2} %", step.hypervolume_percent))),
    ];
    if has_latency {
        let latency = best.and_then(|row| row.latency_ms).map(units::milliseconds);
        cells.insert(LATENCY, shown(latency));
    }
    cells
}

//! `mnas search --evaluator imagenet`: the front of predicted ImageNet accuracy among millions of candidates.
//!
//! It is not a study: no network is trained, a run takes seconds and its front follows from the seed, so that there is no
//! journal and nothing to resume.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use mnas_engine::front::dominated_share;
use mnas_engine::imagenet::{FrontOptions, PredictedFront, PredictedMember, Predictor, SearchError, search_front};
use mnas_engine::problem::{Constraint, Metric, Problem, TargetDevice};
use mnas_latency::workload::Purpose;
use mnas_latency::{LatencyModel, LatencyTable, Milliseconds, RuntimeKind};
use mnas_space::SearchSpace;
use serde::Serialize;

use super::super::device::OpenDevice;
use super::super::error::{CliError, ExitCode};
use super::super::space;
use super::arguments::SearchArguments;
use super::choices::Choices;
use super::feasibility::check_feasibility;
use super::setup;
use crate::export;
use crate::predicted::{PredictedOutcome, Reference, outcome_text, write_files};
use crate::report::{Printer, units};

/// Number of candidates to evaluate.
pub const CANDIDATES: u64 = 5_000_000;

/// Classes of ImageNet.
pub const CLASSES: u32 = 1000;

/// Time for measuring layers of a device without a table.
const PROFILE_TIME: Duration = Duration::from_mins(1);

/// A search of predictions in JSON.
#[derive(Serialize)]
pub struct Document {
    study: PathBuf,
    trials: u64,
    /// `None`: accuracies are predicted, not evaluated.
    evaluations: Option<u64>,
    seconds: f64,
    front: Vec<NetworkRow>,
    best: Option<NetworkRow>,
    finalists: [(); 0],
    references: Vec<ReferenceRow>,
    hypervolume: Option<f64>,
}

#[derive(Serialize)]
struct NetworkRow {
    id: String,
    architecture: String,
    /// Predicted ImageNet top-1.
    accuracy: f64,
    accuracy_kind: &'static str,
    low: f64,
    high: f64,
    distance: f64,
    latency_ms: Option<f64>,
    measured_ms: Option<f64>,
    params: u64,
    macs: u64,
}

#[derive(Serialize)]
struct ReferenceRow {
    name: String,
    published_top1: f64,
    predicted_top1: Option<f64>,
    latency_ms: f64,
    within_budget: bool,
    dominated: bool,
    points: Option<f64>,
    ms: Option<f64>,
}

pub fn run(
    arguments: &SearchArguments,
    choices: &Choices,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<(), CliError> {
    refuse_other_flags(arguments, choices)?;
    let devices = choices.devices(true)?;
    let (space, _) = space::open(choices.space.as_deref().unwrap_or(space::DEFAULT))?;
    let out = folder(choices, &devices)?;
    let request = FrontRequest {
        space,
        devices,
        limits: choices.limits().constraints(),
        seed: choices.seed.unwrap_or(0),
        profile_time: choices.profile_time,
        tables: &arguments.tables.tables,
    };
    let (problem, description) = request.problem(printer, cancel)?;
    check_feasibility(printer, &problem)?;
    let options = FrontOptions {
        candidates: choices.trials.map_or(CANDIDATES, |trials| trials.max(1) as u64),
        seed: choices.seed.unwrap_or(0),
    };
    if arguments.dry_run {
        return Ok(printer.result(&format!(
            "would evaluate {} candidates of space {} and write to {}; nothing was searched",
            units::grouped(options.candidates),
            problem.space.name,
            out.display()
        ))?);
    }
    let outcome = search(&problem, description, options, printer, cancel)?.ok_or_else(interrupted)?;
    let mut paths = write_files(&out, &outcome)?;
    if let Some(best) = outcome.best() {
        let path = out.join("best").join("architecture.toml");
        export::export_architecture(&best.proposal.architecture, &path)?;
        paths.push(path);
    }
    for path in paths {
        printer.status(&format!("wrote {}", path.display()));
    }
    if arguments.json {
        return Ok(printer.json(&document(out, &outcome))?);
    }
    printer.result(&outcome_text(&outcome, printer.table_options().width))?;
    Ok(())
}

/// Searches the predicted front of a problem whose first device is described by `description`; `None` when cancelled.
pub fn search(
    problem: &Problem,
    description: String,
    options: FrontOptions,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<Option<PredictedOutcome>, CliError> {
    let bar = printer.progress("looking at candidates", options.candidates);
    let started = Instant::now();
    let mut progress = |progress: mnas_engine::imagenet::FrontProgress| {
        bar.set(progress.candidates);
        bar.message(&format!("{} on the predicted front", progress.members));
    };
    let found = search_front(problem, Predictor::embedded(), options, &mut progress, cancel);
    let front: PredictedFront = found.map_err(|error| refusal(&error, problem))?;
    let seconds = started.elapsed().as_secs_f64();
    bar.finish(&format!(
        "{} candidates, {} on the predicted front",
        units::grouped(front.candidates),
        front.members.len()
    ));
    if front.cancelled {
        return Ok(None);
    }
    Ok(Some(PredictedOutcome::new(problem, description, front, seconds)?))
}

/// The error of a cancelled search of predictions that belongs to no study.
pub fn interrupted() -> CliError {
    CliError::interrupted("interrupted; a search of predictions saves no state; start it again")
}

fn refusal(error: &SearchError, problem: &Problem) -> CliError {
    let space = &problem.space.name;
    match error {
        SearchError::OutOfRange { .. } => CliError::config(format!("space {space}: {error}")).with_help(
            "predictions hold for networks like the published ones, of 96 pixels and more; choose another --space, or train \
             candidates with --data",
        ),
        SearchError::NothingFound { .. } | SearchError::Infeasible(_) => {
            CliError::new(ExitCode::NoNetworkFits, format!("space {space}: {error}"))
                .with_help("raise the budget, or evaluate more candidates with --trials")
        }
    }
}

/// Request for a predicted front.
pub struct FrontRequest<'a> {
    pub space: SearchSpace,
    /// Devices with their budgets, one at least.
    pub devices: Vec<(String, Option<Milliseconds>)>,
    pub limits: Vec<Constraint>,
    pub seed: u64,
    /// Time for measuring layers; where none is given, a table that exists stays as it is.
    pub profile_time: Option<Duration>,
    /// Folder of latency tables.
    pub tables: &'a Path,
}

impl FrontRequest<'_> {
    /// The problem, and a description of its first device.
    pub fn problem(self, printer: &Printer, cancel: &AtomicBool) -> Result<(Problem, String), CliError> {
        let mut targets = Vec::new();
        let mut description = None;
        for (name, budget) in &self.devices {
            let mut opened = OpenDevice::open(name, self.tables)?;
            let purpose = Purpose {
                space: &self.space,
                classes: CLASSES,
                budget_ms: budget.map(|budget| budget.0),
                seed: self.seed,
            };
            let table = ready_table(&mut opened, purpose, self.profile_time, printer, cancel)?;
            description.get_or_insert(opened.describe());
            targets.push(TargetDevice {
                name: opened.device.name.clone(),
                latency: LatencyModel::of(&table)?,
                budget: *budget,
            });
        }
        let objectives = vec![Metric::Accuracy, Metric::Latency(0)];
        let problem = Problem::new(self.space, CLASSES, targets, objectives, self.limits);
        Ok((problem, description.unwrap_or_default()))
    }
}

/// Returns true if some of the first candidates within the constraints have a prediction.
pub fn has_predictions(problem: &Problem, options: FrontOptions) -> bool {
    let never = AtomicBool::new(false);
    search_front(problem, Predictor::embedded(), options, &mut |_| {}, &never).is_ok()
}

/// Checks the table of a device; fills it where there is none, or where time for that is given.
fn ready_table(
    opened: &mut OpenDevice,
    purpose: Purpose<'_>,
    time: Option<Duration>,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<LatencyTable, CliError> {
    let is_ready = opened.device.runtime == RuntimeKind::Published || LatencyTable::exists(&opened.folder);
    match time {
        None if is_ready => opened.table(&mnas_latency::ProfileOptions::quick().measure),
        _ => setup::filled_table(opened, purpose, time.unwrap_or(PROFILE_TIME), printer, cancel),
    }
}

/// Refuses flags that apply only where candidates are trained or looked up.
fn refuse_other_flags(arguments: &SearchArguments, choices: &Choices) -> Result<(), CliError> {
    let given = [
        ("--resume", arguments.resume),
        ("--data", choices.data.is_some()),
        ("--images", choices.images.is_some()),
        ("--recipe", choices.recipe.is_some() || choices.recipe_table.is_some()),
        ("--epochs", choices.epochs.is_some()),
        (
            "--proxy-scale",
            choices.proxy_scale.is_some() || choices.proxy.is_some(),
        ),
        ("--strategy", choices.strategy.is_some() || choices.evolution.is_some()),
        ("--signals", choices.signals.is_some()),
        ("--time", choices.time.is_some()),
        ("--soft-budget", choices.soft_budget.is_some()),
        ("--objective", !choices.objective.is_empty()),
        ("--workers", choices.workers.is_some() || !choices.worker.is_empty()),
        ("--train-device", choices.train_device.is_some()),
        ("--references", choices.references.is_some()),
    ];
    let given: Vec<&str> = given
        .into_iter()
        .chain(choices.halving_flags())
        .chain(choices.finalist_flags())
        .filter(|(_, given)| *given)
        .map(|(flag, _)| flag)
        .collect();
    if given.is_empty() {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "{} mean{} nothing with --evaluator imagenet, which predicts accuracies and trains nothing",
        given.join(", "),
        if given.len() == 1 { "s" } else { "" }
    ))
    .with_help("leave out the flags named; --budget, --device, --space, --trials, --seed, --out and the limits remain"))
}

/// The folder of the results, which must not be that of a study.
fn folder(choices: &Choices, devices: &[(String, Option<Milliseconds>)]) -> Result<PathBuf, CliError> {
    let out = choices.out.clone().unwrap_or_else(|| {
        let mut parts = vec!["imagenet".to_owned()];
        for (device, budget) in devices {
            let stem = Path::new(device).file_stem().unwrap_or_default();
            parts.push(stem.to_string_lossy().replace([':', '@'], "-"));
            parts.extend(budget.map(|budget| format!("{}ms", budget.0)));
        }
        Path::new("results").join(parts.join("-"))
    });
    if out.join("study.toml").exists() {
        return Err(
            CliError::config(format!("{} holds a study of trained networks", out.display()))
                .with_help("choose another folder with --out"),
        );
    }
    Ok(out)
}

pub fn document(study: PathBuf, outcome: &PredictedOutcome) -> Document {
    let members = &outcome.front.members;
    Document {
        study,
        trials: outcome.front.candidates,
        evaluations: None,
        seconds: outcome.seconds,
        front: members.iter().map(network_row).collect(),
        best: outcome.best().map(network_row),
        finalists: [],
        references: outcome.references.iter().map(reference_row).collect(),
        hypervolume: outcome.budget_ms.map(|budget| volume(members, budget)),
    }
}

/// Share of the box between no accuracy at the budget and full accuracy at no latency that the front dominates.
fn volume(members: &[PredictedMember], budget_ms: f64) -> f64 {
    let points: Vec<[f64; 2]> = members
        .iter()
        .filter_map(|member| Some([member.proposal.costs.latency.first()?.latency.0, -member.predicted.top1]))
        .collect();
    dominated_share(&points, budget_ms)
}

fn network_row(member: &PredictedMember) -> NetworkRow {
    let (predicted, proposal) = (&member.predicted, &member.proposal);
    NetworkRow {
        id: proposal.architecture.id().to_string(),
        architecture: proposal.architecture.to_string(),
        accuracy: predicted.top1,
        accuracy_kind: "predicted ImageNet top-1",
        low: predicted.low,
        high: predicted.high,
        distance: predicted.distance,
        latency_ms: proposal.costs.latency.first().map(|latency| latency.latency.0),
        measured_ms: None,
        params: proposal.costs.params,
        macs: proposal.costs.macs,
    }
}

fn reference_row(reference: &Reference) -> ReferenceRow {
    ReferenceRow {
        name: reference.network.name(),
        published_top1: reference.network.top1,
        predicted_top1: reference.predicted.as_ref().ok().map(|predicted| predicted.top1),
        latency_ms: reference.latency_ms(),
        within_budget: reference.within_budget,
        dominated: reference.dominated,
        points: reference.points,
        ms: reference.ms,
    }
}

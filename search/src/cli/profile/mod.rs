//! `mnas profile`

mod check;
mod progress;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use mnas_latency::{LatencyTable, Predictor, ProfileOptions, ProfilePlan};
use mnas_space::{BlockKey, SearchSpace};
use serde::Serialize;

use super::device::{OpenDevice, TableArguments};
use super::error::CliError;
use super::{cancel_flag, space};
use crate::report::{Printer, units};
use crate::study::{Purpose, calibration_networks, fill_table};
pub use progress::{ProfileProgress, Totals};

#[derive(Debug, Args)]
pub struct ProfileArguments {
    /// The device: a name, or the path of a TOML file [without a name: host]
    #[arg(long, num_args = 0..=1, default_value = "host", default_missing_value = "host")]
    device: String,
    /// The search space whose layers are measured
    #[arg(long, default_value = "mobilenet")]
    space: String,
    /// Classes of the networks
    #[arg(long, default_value_t = 1000)]
    classes: u32,
    /// Measure every layer with more care, without a limit of time
    #[arg(long)]
    thorough: bool,
    /// Stop measuring layers after this time, such as 3m; what is left is predicted [default: 3m]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// Measure a sample of the table again, and say whether it still holds on this machine today
    #[arg(long, conflicts_with_all = ["thorough", "time"])]
    check: bool,
    /// Decides the order of measurement
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tables: TableArguments,
}

/// Eight in ten of a normal distribution are within so many standard deviations.
const INTERVAL: f64 = 1.2816;

#[derive(Serialize)]
struct Document {
    device: String,
    table: std::path::PathBuf,
    space: String,
    layers: usize,
    measured: usize,
    coverage: f64,
    networks: usize,
    held_out_mean_error: Option<f64>,
    /// Half the width of a prediction's interval, for networks like those measured.
    interval: Option<f64>,
    cost_model_held_out_error: Option<f64>,
    /// What this run added.
    run: Run,
}

#[derive(Serialize)]
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
            layers: totals.blocks,
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

pub fn run(arguments: &ProfileArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    if arguments.check {
        return check::run(arguments, printer, &cancel);
    }
    let (space, _) = space::open(&arguments.space)?;
    let mut opened = OpenDevice::open(&arguments.device, &arguments.tables.tables)?;
    opened.measurable()?;
    let options = ProfileOptions {
        seed: arguments.seed,
        ..if arguments.thorough {
            ProfileOptions::thorough()
        } else {
            ProfileOptions::quick()
        }
    };
    let time = match (arguments.time, arguments.thorough) {
        (Some(time), _) => Some(time),
        (None, true) => None,
        (None, false) => Some(Duration::from_mins(3)),
    };
    printer.status(&format!(
        "device {}: {}; table in {}",
        opened.device.name,
        opened.describe(),
        opened.folder.display()
    ));
    let mut table = opened.table(&options.measure)?;
    let keys = space.block_keys(arguments.classes);
    let purpose = Purpose {
        space: &space,
        classes: arguments.classes,
        budget_ms: None,
        seed: arguments.seed,
    };
    let plan = ProfilePlan::new(
        keys.iter().copied(),
        &calibration_networks(purpose),
        Some(&table),
        &options,
    );
    printer.status(&announcement(&plan, &space, time));
    let mut progress = ProfileProgress::new(printer);
    let filled = fill_table(
        &mut table,
        opened.runtime.as_mut(),
        purpose,
        &options,
        time.unwrap_or(Duration::MAX),
        &cancel,
        &mut |event| progress.hear(&event),
    );
    progress.finish();
    let kept = |what: &str| {
        let (layers, folder) = (table.len(), opened.folder.display());
        format!("{what}; {layers} layers are in {folder}, the same command goes on from there")
    };
    let complete = filled.map_err(|error| CliError::from(error).with_help(kept("nothing measured is lost")))?;
    if !complete || cancel.load(Ordering::Relaxed) {
        return Err(CliError::interrupted(kept("interrupted")));
    }
    report(
        arguments,
        printer,
        &table,
        &keys,
        &space.name,
        std::mem::take(&mut progress.totals),
    )
}

/// What will be done, and how much of it fits into the time.
fn announcement(plan: &ProfilePlan, space: &SearchSpace, time: Option<Duration>) -> String {
    let known = plan.blocks - plan.missing_blocks.len();
    let begin = format!(
        "space {}: {} distinct layers, {known} measured already",
        space.name, plan.blocks
    );
    if plan.is_empty() {
        return format!("{begin}; nothing is left to measure");
    }
    let estimate = plan.estimate.as_secs_f64();
    let todo = format!(
        "{begin}; about {} for the others and {} whole networks",
        units::seconds(estimate),
        plan.missing_networks.len()
    );
    match time {
        Some(time) if time < plan.estimate => {
            let share = time.as_secs_f64() / estimate;
            let covered = known as f64 + share * plan.missing_blocks.len() as f64;
            format!(
                "{todo}, of which {} are spent now: about {:.0} % will be covered, the rest predicted (--time and --thorough measure more)",
                units::seconds(time.as_secs_f64()),
                100.0 * covered / plan.blocks.max(1) as f64
            )
        }
        _ => todo,
    }
}

fn report(
    arguments: &ProfileArguments,
    printer: &Printer,
    table: &LatencyTable,
    keys: &BTreeSet<BlockKey>,
    space: &str,
    totals: Totals,
) -> Result<(), CliError> {
    let predictor = Predictor::fit(table)?;
    let measured = keys.iter().filter(|key| table.get(key).is_some()).count();
    let complete = measured == keys.len();
    let document = Document {
        device: table.header().device.clone(),
        table: table.folder().to_path_buf(),
        space: space.to_owned(),
        layers: keys.len(),
        measured,
        coverage: measured as f64 / keys.len().max(1) as f64,
        networks: predictor.calibration().networks,
        held_out_mean_error: predictor.calibration().held_out_mean_error,
        interval: predictor.calibration().held_out_rms_error.map(|error| INTERVAL * error),
        cost_model_held_out_error: (!complete).then(|| predictor.cost_model().held_out_error()),
        run: totals.into(),
    };
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    Ok(printer.result(&lines(&document).join("\n"))?)
}

fn lines(document: &Document) -> Vec<String> {
    let percent = |share: f64| units::percent(100.0 * share);
    let mut lines = vec![format!(
        "{} of {} layers of {} measured ({}), table in {}",
        document.measured,
        document.layers,
        document.space,
        percent(document.coverage),
        document.table.display()
    )];
    let run = &document.run;
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
            "drift: the machine ran at {:.0} to {:.0} % of its reference speed, taken out by the anchor network",
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
    if let Some(error) = document.held_out_mean_error {
        lines.push(format!(
            "whole networks: predicted within {} of measured on average, each of {} judged by a fit on the others",
            percent(error),
            document.networks
        ));
    }
    if let Some(interval) = document.interval {
        lines.push(format!(
            "intervals: eight in ten networks like these are expected within {} of their prediction, others in wider ones",
            percent(interval)
        ));
    }
    if let Some(error) = document.cost_model_held_out_error {
        lines.push(format!(
            "layers not measured are predicted, within {} on average on layers left out",
            percent(error)
        ));
    }
    lines
}

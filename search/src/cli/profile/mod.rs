//! `mnas profile`

mod check;
mod predictions;
mod progress;
mod report;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use mnas_latency::{
    Comparison, LatencyError, LatencyTable, MeasuredNetwork, Predictor, ProfileOptions, ProfilePlan, StopReason,
    open_or_transfer, profile,
};
use mnas_space::SearchSpace;

use super::device::{OpenDevice, TableArguments};
use super::error::CliError;
use super::{cancel_flag, space};
use crate::report::{Printer, units};
use mnas_latency::workload::{Filled, Purpose, calibration_networks, fill_table, validation_networks};
use predictions::{Figures, Kind};
pub use progress::ProfileProgress;

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
    /// Stop measuring layers after this time, such as 3m; the rest is predicted [default: 3m]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// Measure a sample of the table again, and report whether it still holds on this machine today
    #[arg(long, conflicts_with_all = ["thorough", "time"])]
    check: bool,
    /// Also measure this many random networks, and every reference of the space at its widths and resolutions, to judge the
    /// predictions; they are not added to the table [without a number: 100]
    #[arg(long, value_name = "NETWORKS", num_args = 0..=1, default_missing_value = "100", conflicts_with = "check")]
    validate: Option<usize>,
    /// Take the layers from this device's table, and measure a few whole networks only: a usable table in a minute, where the
    /// two devices rank networks alike
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["thorough", "time", "check"])]
    from: Option<String>,
    /// With --from: the whole networks that are measured
    #[arg(long, value_name = "NETWORKS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(3..), requires = "from")]
    networks: u64,
    /// Seed of the order of measurement and of the networks drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tables: TableArguments,
}

pub fn run(arguments: &ProfileArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    if arguments.check {
        return check::run(arguments, printer, &cancel);
    }
    let (space, _) = space::open(&arguments.space)?;
    let mut opened = OpenDevice::open(&arguments.device, &arguments.tables.tables)?;
    opened.measurable()?;
    let mut options = ProfileOptions {
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
    let purpose = Purpose {
        space: &space,
        classes: arguments.classes,
        budget_ms: None,
        seed: arguments.seed,
    };
    if let Some(draws) = arguments.validate {
        options.validation = validation_networks(purpose, draws);
    }
    let job = Job {
        arguments,
        printer,
        purpose,
        options,
        cancel: &cancel,
    };
    let mut progress = ProfileProgress::new(printer);
    let (table, validation) = match &arguments.from {
        Some(source) => job.transfer(source, &mut opened, &mut progress)?,
        None => job.fill(time, &mut opened, &mut progress)?,
    };
    let predictor = Predictor::fit(&table)?;
    let (comparison, kind) = if arguments.validate.is_some() {
        (Comparison::fresh(validation, &predictor), Kind::Fresh)
    } else {
        (Comparison::left_out(&table, &predictor), Kind::LeftOut)
    };
    let keys = space.block_keys(arguments.classes);
    let mut document = report::Document::new(
        &table,
        &predictor,
        &keys,
        &space.name,
        std::mem::take(&mut progress.totals),
    );
    if let Some(figures) = Figures::of(&comparison, kind) {
        document.files = predictions::write(table.folder(), &comparison, &figures, purpose, table.header())?.to_vec();
        document.predictions = Some(figures);
    }
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    Ok(printer.result(&document.lines().join("\n"))?)
}

/// Values that the parts of a profile share.
struct Job<'a> {
    arguments: &'a ProfileArguments,
    printer: &'a Printer,
    purpose: Purpose<'a>,
    options: ProfileOptions,
    cancel: &'a AtomicBool,
}

impl Job<'_> {
    /// Measures the layers of the space, as many as the time allows, and networks to calibrate with.
    fn fill(
        &self,
        time: Option<Duration>,
        opened: &mut OpenDevice,
        progress: &mut ProfileProgress<'_>,
    ) -> Result<(LatencyTable, Vec<MeasuredNetwork>), CliError> {
        let mut table = opened.table(&self.options.measure)?;
        // An error where the layers of the table are another device's, even if none is missing.
        table.layers_measurable()?;
        let keys = self.purpose.space.block_keys(self.arguments.classes);
        let networks = calibration_networks(self.purpose, self.options.calibration_draws);
        let plan = ProfilePlan::new(keys, &networks, Some(&table), &self.options);
        self.printer.status(&announcement(&plan, self.purpose.space, time));
        let filled = fill_table(
            &mut table,
            opened.runtime.as_mut(),
            self.purpose,
            &self.options,
            time.unwrap_or(Duration::MAX),
            self.cancel,
            &mut |event| progress.on_event(&event),
        );
        let validation = self.kept(filled, &table, progress)?;
        Ok((table, validation))
    }

    /// Measures a few whole networks beside the layers of another device's table.
    fn transfer(
        &self,
        source: &str,
        opened: &mut OpenDevice,
        progress: &mut ProfileProgress<'_>,
    ) -> Result<(LatencyTable, Vec<MeasuredNetwork>), CliError> {
        let source = source_table(source, &self.arguments.tables.tables)?;
        let (device, runtime) = (&opened.device, opened.runtime.as_mut());
        let mut table = open_or_transfer(&opened.folder, device, runtime, &self.options.measure, &source)?;
        let wanted = self.arguments.networks as usize;
        let mut networks = calibration_networks(self.purpose, wanted);
        networks.truncate(wanted);
        self.printer.status(&format!(
            "{} layers of {}; measuring {wanted} whole networks here",
            table.len(),
            source.header().device
        ));
        let report = profile(
            runtime,
            &mut table,
            [],
            &networks,
            &self.options,
            self.cancel,
            &mut |event| progress.on_event(&event),
        );
        let filled = report.map(|report| Filled {
            complete: report.stop != StopReason::Cancelled,
            validation: report.validation,
        });
        let validation = self.kept(filled, &table, progress)?;
        Ok((table, validation))
    }

    /// The networks measured for validation; where filling the table failed or was interrupted, an error that states what is kept.
    fn kept(
        &self,
        filled: Result<Filled, LatencyError>,
        table: &LatencyTable,
        progress: &mut ProfileProgress<'_>,
    ) -> Result<Vec<MeasuredNetwork>, CliError> {
        progress.finish();
        let kept = |what: &str| {
            let (layers, folder) = (table.len(), table.folder().display());
            format!("{what}; {layers} layers are in {folder}, the same command continues from there")
        };
        let filled = filled.map_err(|error| CliError::from(error).with_help(kept("nothing measured is lost")))?;
        if filled.complete && !self.cancel.load(Ordering::Relaxed) {
            Ok(filled.validation)
        } else {
            Err(CliError::interrupted(kept("interrupted")))
        }
    }
}

/// The table of another device, which may be of another machine.
fn source_table(name: &str, tables: &Path) -> Result<LatencyTable, CliError> {
    let device = mnas_latency::Device::open(name)?;
    Ok(LatencyTable::load(&tables.join(device.folder_name()))?)
}

/// Announcement of the work to do, and of the share that fits into the time.
fn announcement(plan: &ProfilePlan, space: &SearchSpace, time: Option<Duration>) -> String {
    let known = plan.layers - plan.missing_layers.len();
    let begin = format!(
        "space {}: {} distinct layers, {known} measured already",
        space.name, plan.layers
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
            let covered = known as f64 + share * plan.missing_layers.len() as f64;
            format!(
                "{todo}, of which {} are spent now: about {:.0} % will be covered, the rest predicted (--time and --thorough measure more)",
                units::seconds(time.as_secs_f64()),
                100.0 * covered / plan.layers.max(1) as f64
            )
        }
        _ => todo,
    }
}

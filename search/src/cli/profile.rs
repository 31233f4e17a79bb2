//! `mnas profile`

use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use mnas_latency::{LatencyTable, Predictor, ProfileEvent, ProfileOptions};
use serde::Serialize;

use super::device::{OpenDevice, TableArguments};
use super::error::CliError;
use super::{cancel_flag, space};
use crate::report::{Printer, Progress, units};
use crate::study::{Purpose, fill_table};

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
    /// Decides the order of measurement
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tables: TableArguments,
}

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
    cost_model_held_out_error: Option<f64>,
}

pub fn run(arguments: &ProfileArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    let (space, _) = space::open(&arguments.space)?;
    let mut opened = OpenDevice::open(&arguments.device, &arguments.tables.tables)?;
    let options = if arguments.thorough {
        ProfileOptions::thorough()
    } else {
        ProfileOptions::quick()
    };
    let time = match (arguments.time, arguments.thorough) {
        (Some(time), _) => time,
        (None, true) => Duration::MAX,
        (None, false) => Duration::from_secs(180),
    };
    let mut table = opened.table(&options.measure)?;
    let keys = space.block_keys(arguments.classes);
    printer.status(&format!(
        "device {}: {}; table in {}",
        opened.device.name,
        opened.describe(),
        opened.folder.display()
    ));
    let known = keys.iter().filter(|key| table.get(key).is_some()).count();
    printer.status(&format!(
        "space {}: {} distinct layers, {known} measured already; up to {} of measuring",
        space.name,
        keys.len(),
        if time == Duration::MAX {
            "everything".to_owned()
        } else {
            humantime::format_duration(time).to_string()
        }
    ));
    let purpose = Purpose {
        space: &space,
        classes: arguments.classes,
        budget_ms: None,
        seed: arguments.seed,
    };
    let options = ProfileOptions {
        seed: arguments.seed,
        ..options
    };
    let mut progress = ProfileProgress::new(printer);
    let complete = fill_table(
        &mut table,
        opened.runtime.as_mut(),
        purpose,
        &options,
        time,
        &cancel,
        &mut |event| progress.hear(&event),
    )?;
    progress.finish();
    if !complete || cancel.load(Ordering::Relaxed) {
        return Err(CliError::interrupted(format!(
            "interrupted; {} layers are in {}, the same command goes on from there",
            table.len(),
            opened.folder.display()
        )));
    }
    report(arguments, printer, &table, &keys, &space.name)
}

fn report(
    arguments: &ProfileArguments,
    printer: &Printer,
    table: &LatencyTable,
    keys: &std::collections::BTreeSet<mnas_space::BlockKey>,
    space: &str,
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
        cost_model_held_out_error: (!complete).then(|| predictor.cost_model().held_out_error()),
    };
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    let percent = |share: f64| units::percent(100.0 * share);
    let mut lines = vec![format!(
        "{} of {} layers of {space} measured ({}), table in {}",
        document.measured,
        document.layers,
        percent(document.coverage),
        document.table.display()
    )];
    if let Some(error) = document.held_out_mean_error {
        lines.push(format!(
            "whole networks: predicted within {} of measured on average, each of {} judged by a fit on the others",
            percent(error),
            document.networks
        ));
    }
    if let Some(error) = document.cost_model_held_out_error {
        lines.push(format!(
            "layers not measured are predicted, within {} on average on layers left out",
            percent(error)
        ));
    }
    Ok(printer.result(&lines.join("\n"))?)
}

/// Progress of a profile: a bar for layers, one for networks.
pub struct ProfileProgress<'a> {
    printer: &'a Printer,
    /// The bar, and what it says at its end.
    bar: Option<(Progress, String)>,
}

impl<'a> ProfileProgress<'a> {
    pub fn new(printer: &'a Printer) -> Self {
        Self { printer, bar: None }
    }

    pub fn hear(&mut self, event: &ProfileEvent<'_>) {
        match event {
            ProfileEvent::Planned(plan) => {
                self.finish();
                let layers = plan.missing_blocks.len();
                if layers > 0 {
                    self.begin("measuring layers", layers);
                }
            }
            ProfileEvent::Block { done, total, .. } => {
                if let Some((bar, end)) = &mut self.bar {
                    bar.set(*done as u64);
                    *end = format!("{done} of {total}");
                }
            }
            ProfileEvent::Round { done, total } => {
                let networks = "measuring networks";
                if self
                    .bar
                    .as_ref()
                    .is_none_or(|(_, end)| !end.is_empty() && !end.ends_with("samples"))
                {
                    self.finish();
                    self.begin(networks, *total);
                }
                if let Some((bar, end)) = &mut self.bar {
                    bar.set_total(*total as u64);
                    bar.set(*done as u64);
                    *end = format!("{done} samples");
                }
            }
            ProfileEvent::Refused(error) => self.printer.warning(&error.to_string()),
            ProfileEvent::Network { .. } => {}
        }
    }

    fn begin(&mut self, what: &str, total: usize) {
        self.bar = Some((self.printer.progress(what, total as u64), String::new()));
    }

    pub fn finish(&mut self) {
        if let Some((bar, end)) = self.bar.take() {
            bar.finish(&end);
        }
    }
}

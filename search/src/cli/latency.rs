//! `mnas latency`

use std::sync::atomic::AtomicBool;

use clap::Args;
use mnas_latency::{LatencyTable, MissingKeys, Predictor, ProfileOptions, RuntimeKind, profile};
use serde::Serialize;

use super::architecture::ArchitectureArguments;
use super::device::{OpenDevice, TableArguments};
use super::error::CliError;
use crate::report::{Printer, units};

#[derive(Debug, Args)]
pub struct LatencyArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    /// The device: a name, or the path of a TOML file [without a name: host]
    #[arg(long, num_args = 0..=1, default_value = "host", default_missing_value = "host")]
    device: String,
    /// Measure the whole network too
    #[arg(long)]
    measure: bool,
    /// Treatment of layers that are not in the table
    #[arg(long, value_enum, default_value_t = Missing::Predict)]
    missing: Missing,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tables: TableArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Missing {
    /// Predict them from the layers that were measured
    Predict,
    /// Measure them now and add them to the table
    Measure,
    /// Refuse
    Refuse,
}

#[derive(Serialize)]
struct Document {
    name: String,
    id: String,
    device: String,
    predicted_ms: f64,
    low_ms: f64,
    high_ms: f64,
    coverage: f64,
    measured_ms: Option<f64>,
}

pub fn run(arguments: &LatencyArguments, printer: &Printer) -> Result<(), CliError> {
    let (architecture, name) = arguments.architecture.resolve()?;
    let mut opened = OpenDevice::open(&arguments.device, &arguments.tables.tables)?;
    let options = ProfileOptions::quick();
    let is_published = opened.device.runtime == RuntimeKind::Published;
    if arguments.measure || arguments.missing == Missing::Measure {
        opened.measurable()?;
    }
    if !is_published && arguments.missing != Missing::Measure && !LatencyTable::exists(&opened.folder) {
        let (folder, device) = (opened.folder.clone(), opened.device.name);
        return Err(mnas_latency::LatencyError::TableMissing { folder, device }.into());
    }
    let mut table = opened.table(&options.measure)?;
    let never = AtomicBool::new(false);
    if arguments.missing == Missing::Measure {
        let keys = architecture.layers().map(|layer| layer.key);
        profile(
            opened.runtime.as_mut(),
            &mut table,
            keys,
            &[],
            &options,
            &never,
            &mut |_| (),
        )?;
    }
    let policy = if arguments.missing == Missing::Refuse {
        MissingKeys::Refuse
    } else {
        MissingKeys::Predict
    };
    // Predicted before measuring: a measurement that is already in the table must not improve its own prediction.
    let predictor = Predictor::fit_without(&table, &|network| network == &architecture)?;
    let prediction = predictor.predict(&architecture, policy)?;
    let mut measured_ms = None;
    if arguments.measure {
        let network = [architecture.clone()];
        profile(
            opened.runtime.as_mut(),
            &mut table,
            [],
            &network,
            &options,
            &never,
            &mut |_| (),
        )?;
        measured_ms = table.network(&architecture).map(|measurement| measurement.median_ms);
    }
    let document = Document {
        name,
        id: architecture.id().to_string(),
        device: opened.device.name,
        predicted_ms: prediction.latency.0,
        low_ms: prediction.low.0,
        high_ms: prediction.high.0,
        coverage: prediction.coverage,
        measured_ms,
    };
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    let text = text(&document);
    let note = table.header().published.as_ref().map(|publication| &publication.note);
    Ok(printer.result(&note.map_or(text.clone(), |note| format!("{text}\nfrom published figures: {note}")))?)
}

fn text(document: &Document) -> String {
    let text = format!(
        "{} on {}: predicted {} ({} to {}), {} of its layers in the table",
        document.name,
        document.device,
        units::milliseconds(document.predicted_ms),
        units::milliseconds(document.low_ms),
        units::milliseconds(document.high_ms),
        units::percent(100.0 * document.coverage),
    );
    let Some(measured) = document.measured_ms else {
        return text;
    };
    let error = 100.0 * (document.predicted_ms / measured - 1.0);
    format!(
        "{text}\nmeasured {} (prediction {error:+.1} %)",
        units::milliseconds(measured)
    )
}

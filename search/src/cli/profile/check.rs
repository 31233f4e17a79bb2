//! `mnas profile --check`

use std::sync::atomic::AtomicBool;

use mnas_latency::{CheckOptions, CheckReport, LatencyError, LatencyTable, check};
use serde::Serialize;

use super::super::device::OpenDevice;
use super::super::error::{CliError, ExitCode};
use super::ProfileArguments;
use crate::report::{Printer, units};

/// Rows shown in the report.
const SHOWN: usize = 5;

#[derive(Serialize)]
struct Document {
    device: String,
    table: std::path::PathBuf,
    created: String,
    holds: bool,
    checked: usize,
    agreeing: usize,
    tolerance: f64,
    median_ratio: f64,
    speed: f64,
    rows: Vec<Row>,
    refused: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    recorded_ms: f64,
    measured_ms: f64,
    ratio: f64,
}

/// Checks a table; an error with the exit code of a foreign table where it does not hold.
pub fn run(arguments: &ProfileArguments, printer: &Printer, cancel: &AtomicBool) -> Result<(), CliError> {
    let mut opened = OpenDevice::open(&arguments.device, &arguments.tables.tables)?;
    opened.measurable()?;
    if !LatencyTable::exists(&opened.folder) {
        let (folder, device) = (opened.folder, opened.device.name);
        return Err(LatencyError::TableMissing { folder, device }.into());
    }
    let options = CheckOptions {
        seed: arguments.seed,
        ..CheckOptions::default()
    };
    let table = opened.table(&options.measure)?;
    if table.is_empty() {
        return Err(LatencyError::EmptyTable.into());
    }
    let bar = printer.progress("measuring again", 0);
    let mut observer = |done: usize, total: usize| {
        bar.set_total(total as u64);
        bar.set(done as u64);
    };
    let report = check(opened.runtime.as_mut(), &table, &options, cancel, &mut observer)?;
    bar.finish(&format!("{} rows", report.rows.len()));
    for warning in &report.warnings {
        printer.warning(&format!("{warning}; {}", warning.advice()));
    }
    for refusal in &report.refused {
        printer.warning(refusal);
    }
    if report.cancelled {
        return Err(CliError::interrupted(
            "interrupted before the check was done; the table is as it was",
        ));
    }
    let document = document(&report, &table);
    if arguments.json {
        printer.json(&document)?;
    } else {
        printer.result(&lines(&document).join("\n"))?;
    }
    if report.holds() {
        return Ok(());
    }
    let message = format!(
        "the table in {} does not hold on this machine today",
        table.folder().display()
    );
    let help = format!(
        "check again when the machine is idle; if it still fails, move {} away and run `mnas profile --device {}`",
        table.folder().display(),
        opened.device.name
    );
    Err(CliError::new(ExitCode::Table, message).with_help(help))
}

fn document(report: &CheckReport, table: &LatencyTable) -> Document {
    let row = |row: &mnas_latency::CheckedRow| Row {
        name: row.name.clone(),
        recorded_ms: row.recorded.median_ms,
        measured_ms: row.measured.median_ms,
        ratio: row.ratio(),
    };
    let warnings = report.warnings.iter();
    Document {
        device: table.header().device.clone(),
        table: table.folder().to_path_buf(),
        created: table.header().created.clone(),
        holds: report.holds(),
        checked: report.rows.len(),
        agreeing: report.agreeing(),
        tolerance: report.tolerance,
        median_ratio: report.median_ratio(),
        speed: report.speed,
        rows: report.rows.iter().map(row).collect(),
        refused: report.refused.clone(),
        warnings: warnings
            .map(|warning| format!("{warning}; {}", warning.advice()))
            .collect(),
    }
}

fn lines(document: &Document) -> Vec<String> {
    let signed = |ratio: f64| format!("{:+.1} %", 100.0 * (ratio - 1.0));
    let mut lines = vec![
        format!(
            "the table of {} from {} {}: {} of {} rows within {:.0} % of a new measurement, median deviation {}",
            document.device,
            document.created,
            if document.holds { "holds" } else { "does NOT hold" },
            document.agreeing,
            document.checked,
            100.0 * document.tolerance,
            signed(document.median_ratio)
        ),
        format!(
            "the machine runs at {:.0} % of the speed it had then, for which the rows are corrected",
            100.0 * document.speed
        ),
    ];
    lines.extend(document.rows.iter().take(SHOWN).map(|row| {
        format!(
            "  {:<10} {} then, {} now: {}",
            signed(row.ratio),
            units::milliseconds(row.recorded_ms),
            units::milliseconds(row.measured_ms),
            row.name
        )
    }));
    lines
}

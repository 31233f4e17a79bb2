//! `mnas refs`

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use mnas_space::Reference;
use serde::Serialize;

use super::error::CliError;
use crate::report::{Printer, units};

#[derive(Debug, Args)]
pub struct RefsArguments {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    title: String,
    params: u64,
    macs: u64,
    imagenet_top1: f64,
    widths: Vec<f64>,
    resolutions: Vec<u32>,
    paper: String,
    source: String,
}

pub fn run(arguments: &RefsArguments, printer: &Printer) -> Result<(), CliError> {
    let mut rows = Vec::new();
    for reference in Reference::all() {
        let cost = reference.architecture(1.0, 224, 1000)?.cost();
        rows.push(Row {
            name: reference.name().to_owned(),
            title: reference.title.clone(),
            params: cost.params,
            macs: cost.macs,
            imagenet_top1: reference.imagenet_top1,
            widths: reference.widths().to_vec(),
            resolutions: reference.resolutions().to_vec(),
            paper: reference.paper.clone(),
            source: reference.source,
        });
    }
    if arguments.json {
        return Ok(printer.json(&rows)?);
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["name", "params", "MAdds", "ImageNet top-1", "widths", "resolutions"]);
    for row in &rows {
        table.add_row([
            row.name.clone(),
            units::count(row.params),
            units::count(row.macs),
            format!("{:.1} %", row.imagenet_top1),
            join(&row.widths),
            join(&row.resolutions),
        ]);
    }
    for column in 1..4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    printer.result(&table.trim_fmt())?;
    printer.status("counts and published top-1 at width 1.0 and 224 px; sources with --json");
    Ok(())
}

fn join<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

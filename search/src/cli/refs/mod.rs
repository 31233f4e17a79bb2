//! `mnas refs`: [`rows`] holds the facts about each reference, [`text`] formats them, [`plot`] draws accuracies over costs on a
//! device.

mod plot;
mod rows;
mod text;

use clap::Args;
use mnas_space::Reference;

use super::error::CliError;
use crate::report::{Printer, to_csv_text};
use plot::PlotArguments;
use rows::{Row, csv_rows};

#[derive(Debug, Args)]
pub struct RefsArguments {
    /// Part of the names of the references to list; a single one is shown with everything published of it
    name: Option<String>,
    /// Print one JSON document, every published figure with its source in it
    #[arg(long)]
    json: bool,
    /// Print one row for each published figure as CSV, our exact counts beside it
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    plot: PlotArguments,
}

pub fn run(arguments: &RefsArguments, printer: &Printer) -> Result<(), CliError> {
    if arguments.plot.plot {
        return plot::run(&arguments.plot, arguments.json, printer);
    }
    let references = chosen(arguments.name.as_deref())?;
    let rows = references
        .iter()
        .map(|reference| Row::of(reference))
        .collect::<Result<Vec<_>, _>>()?;
    if arguments.json {
        return Ok(printer.json(&rows)?);
    }
    if arguments.csv {
        return Ok(printer.result(&to_csv_text(&csv_rows(&rows))?)?);
    }
    let width = printer.table_options().width;
    match rows.as_slice() {
        [row] => printer.result(&text::one(row, width))?,
        rows => {
            printer.result(&text::overview(rows, width))?;
            printer.status(
                "top-1 on ImageNet and latency as published; mnas refs NAME shows all widths, devices and sources",
            );
        }
    }
    Ok(())
}

/// The references that a part of a name chooses: the one with exactly this name, or all that contain it.
fn chosen(part: Option<&str>) -> Result<Vec<&'static Reference>, CliError> {
    let mut all: Vec<_> = Reference::all().iter().collect();
    all.sort_by_key(|reference| reference.name());
    let Some(part) = part else {
        return Ok(all);
    };
    if let Ok(exact) = Reference::named(part) {
        return Ok(vec![exact]);
    }
    let wanted = part.to_lowercase();
    let matching: Vec<_> = all
        .into_iter()
        .filter(|reference| reference.name().contains(&wanted) || reference.title.to_lowercase().contains(&wanted))
        .collect();
    if matching.is_empty() {
        let error = CliError::config(format!("no reference has `{part}` in its name"));
        return Err(error.with_help("`mnas refs` lists all of them"));
    }
    Ok(matching)
}

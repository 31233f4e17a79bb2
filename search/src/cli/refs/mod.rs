//! `mnas refs`: [`rows`] is what is known of each reference, [`text`] how it is shown, [`plot`] draws their accuracy over what
//! they cost on a device.

mod plot;
mod rows;
mod text;

use std::path::PathBuf;

use clap::Args;
use mnas_space::Reference;

use super::device::TableArguments;
use super::error::CliError;
use crate::report::{Printer, to_csv_text};
use rows::{Row, csv_rows};

#[derive(Debug, Args)]
pub struct RefsArguments {
    /// Only references with this in their name; of a single one, everything that was published is shown
    name: Option<String>,
    /// Print one JSON document, every published figure with its source in it
    #[arg(long)]
    json: bool,
    /// Print one row for each published figure as CSV, our exact counts beside it
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Draw the published ImageNet accuracy of the MobileNet, MnasNet and EfficientNet families over latency, multiply-adds and
    /// parameters: SVG, PNG and CSV
    #[arg(long, conflicts_with_all = ["csv", "name"])]
    plot: bool,
    /// With --plot: the device, by name or TOML file [without a name: host]
    #[arg(long, num_args = 0..=1, default_value = "host", default_missing_value = "host", requires = "plot")]
    device: String,
    /// With --plot: measure the networks whole instead of predicting them; takes minutes
    #[arg(long, requires = "plot")]
    measure: bool,
    /// With --plot: the folder of the files [default: results/references/DEVICE]
    #[arg(long, value_name = "DIR", requires = "plot")]
    out: Option<PathBuf>,
    #[command(flatten)]
    tables: TableArguments,
}

pub fn run(arguments: &RefsArguments, printer: &Printer) -> Result<(), CliError> {
    if arguments.plot {
        let request = plot::PlotRequest {
            device: &arguments.device,
            measure: arguments.measure,
            out: arguments.out.as_deref(),
            tables: &arguments.tables.tables,
            json: arguments.json,
        };
        return plot::run(&request, printer);
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
            printer.status("top-1 and latency as published, at width 1.0; mnas refs NAME for all widths and sources");
        }
    }
    Ok(())
}

/// The references that a part of a name chooses: the one that is called so, or all that contain it.
fn chosen(part: Option<&str>) -> Result<Vec<&'static Reference>, CliError> {
    let all = Reference::all();
    let Some(part) = part else {
        return Ok(all.iter().collect());
    };
    if let Some(exact) = all.iter().find(|reference| reference.name() == part) {
        return Ok(vec![exact]);
    }
    let wanted = part.to_lowercase();
    let matching: Vec<_> = all
        .iter()
        .filter(|reference| reference.name().contains(&wanted) || reference.title.to_lowercase().contains(&wanted))
        .collect();
    if matching.is_empty() {
        let error = CliError::config(format!("no reference has `{part}` in its name"));
        return Err(error.with_help("`mnas refs` lists all of them"));
    }
    Ok(matching)
}

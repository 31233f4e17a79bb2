//! `mnas refs`

use clap::Args;
use mnas_space::Reference;
use serde::Serialize;

use super::error::CliError;
use crate::report::{Printer, simple_table, units};

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
    imagenet_top1: Option<f64>,
    widths: Vec<f64>,
    resolutions: Vec<u32>,
    paper: String,
    source: Option<String>,
}

pub fn run(arguments: &RefsArguments, printer: &Printer) -> Result<(), CliError> {
    let mut rows = Vec::new();
    for reference in Reference::all() {
        let resolution = reference.native_resolution();
        let cost = reference.architecture(1.0, resolution, 1000)?.cost();
        rows.push(Row {
            name: reference.name().to_owned(),
            title: reference.title.clone(),
            params: cost.params,
            macs: cost.macs,
            imagenet_top1: reference.imagenet_top1(1.0, resolution),
            widths: reference.widths().to_vec(),
            resolutions: reference.resolutions().to_vec(),
            paper: reference.paper.clone(),
            source: reference
                .published_at(1.0, resolution)
                .next()
                .map(|point| point.source.clone()),
        });
    }
    if arguments.json {
        return Ok(printer.json(&rows)?);
    }
    let lines = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            units::count(row.params),
            units::count(row.macs),
            row.imagenet_top1
                .map_or_else(String::new, |top1| format!("{top1:.1} %")),
            join(&row.widths),
            join(&row.resolutions),
        ]
    });
    let headings = ["name", "params", "MAdds", "ImageNet top-1", "widths", "resolutions"];
    printer.result(&simple_table(&headings, 1, lines))?;
    printer.status("counts and published top-1 at width 1.0 and 224 px; sources with --json");
    Ok(())
}

fn join<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

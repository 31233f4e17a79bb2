//! `mnas inspect`

use clap::Args;
use mnas_space::{ACTIVATION_BYTES, Architecture, Cost};
use serde::Serialize;

use super::architecture::ArchitectureArguments;
use super::error::CliError;
use crate::report::{Printer, simple_table, units};

#[derive(Debug, Args)]
pub struct InspectArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    name: String,
    id: String,
    architecture: String,
    params: u64,
    batch_norm_params: u64,
    folded_params: u64,
    macs: u64,
    resolution: u32,
    peak_activation_bytes: u64,
    layers: Vec<LayerRow>,
}

#[derive(Serialize)]
struct LayerRow {
    name: String,
    block: String,
    input: [u32; 3],
    output: [u32; 3],
    params: u64,
    macs: u64,
    activation_bytes: u64,
}

pub fn run(arguments: &InspectArguments, printer: &Printer) -> Result<(), CliError> {
    let (architecture, name) = arguments.architecture.resolve()?;
    let document = document(&architecture, name);
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    Ok(printer.result(&text(&document))?)
}

fn document(architecture: &Architecture, name: String) -> Document {
    let cost = architecture.cost();
    let layers = architecture.layers().map(|layer| {
        let cost = Cost::of(&layer.key.graph());
        let block = layer.key.to_string();
        LayerRow {
            name: layer.scope.to_string(),
            block: block.split('@').next().unwrap_or_default().to_owned(),
            input: sides(layer.key.input),
            output: sides(layer.output),
            params: cost.params,
            macs: cost.macs,
            activation_bytes: layer.output.elements() * ACTIVATION_BYTES,
        }
    });
    Document {
        name,
        id: architecture.id().to_string(),
        architecture: architecture.to_string(),
        params: cost.params,
        batch_norm_params: cost.batch_norm_params,
        folded_params: cost.folded_params,
        macs: cost.macs,
        resolution: architecture.resolution,
        peak_activation_bytes: cost.peak_activation_bytes,
        layers: layers.collect(),
    }
}

fn sides(shape: mnas_space::Shape) -> [u32; 3] {
    [shape.channels, shape.height, shape.width]
}

fn text(document: &Document) -> String {
    let shape = |sides: [u32; 3]| sides.map(|side| side.to_string()).join("x");
    let rows = document.layers.iter().map(|row| {
        vec![
            row.name.clone(),
            row.block.clone(),
            shape(row.input),
            shape(row.output),
            units::count(row.params),
            units::count(row.macs),
            format!("{:.1} %", 100.0 * row.macs as f64 / document.macs.max(1) as f64),
            units::bytes(row.activation_bytes),
        ]
    });
    let headings = ["layer", "block", "in", "out", "params", "MAdds", "share", "output"];
    let table = simple_table(&headings, 2, rows);
    format!(
        "{} ({})\n{}\n{} parameters ({} of them batch-norm), {} multiply-adds at {} px, peak activation memory {}\n{}",
        document.name,
        document.id,
        table,
        grouped(document.params),
        grouped(document.batch_norm_params),
        grouped(document.macs),
        document.resolution,
        units::bytes(document.peak_activation_bytes),
        document.architecture,
    )
}

/// 3504872 -> `3,504,872`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(
            [0, 999, 1000, 3_504_872].map(grouped),
            ["0", "999", "1,000", "3,504,872"]
        );
    }
}

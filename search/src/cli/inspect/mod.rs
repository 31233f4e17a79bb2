//! `mnas inspect`: [`network`] is one network layer by layer, [`comparison`] two side by side, [`alignment`] pairs their layers.

mod alignment;
mod comparison;
mod network;

use clap::Args;

use super::architecture::{ArchitectureArguments, NOTATION};
use super::error::CliError;
use crate::report::{Printer, to_csv_text};
use comparison::Comparison;
use network::InspectedNetwork;

#[derive(Debug, Args)]
#[command(after_long_help = NOTATION)]
pub struct InspectArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    /// Compare with a second network, layer by layer; the same variations apply to it
    #[arg(long, value_name = "ARCH")]
    vs: Option<String>,
    /// Width multiplier of the second network, where it is a reference [default: that of the first]
    #[arg(long, value_name = "WIDTH", requires = "vs")]
    vs_width: Option<f64>,
    /// Side of the second network's input image in pixels [default: as given for the first]
    #[arg(long, value_name = "PIXELS", requires = "vs")]
    vs_resolution: Option<u32>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Print one row per layer as CSV with exact numbers
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub fn run(arguments: &InspectArguments, printer: &Printer) -> Result<(), CliError> {
    let width = printer.table_options().width;
    let (architecture, name) = arguments.architecture.resolve()?;
    let network = InspectedNetwork::of(&architecture, name);
    let Some(other) = &arguments.vs else {
        if arguments.json {
            return Ok(printer.json(&network)?);
        }
        if arguments.csv {
            return Ok(printer.result(&to_csv_text(&network.csv_rows())?)?);
        }
        printer.result(&network.text(width))?;
        printer.status("mnas inspect --help explains the names of blocks");
        return Ok(());
    };
    let form = arguments
        .architecture
        .form
        .of_other(other, arguments.vs_width, arguments.vs_resolution);
    let (architecture, name) = form.resolve(other)?;
    let comparison = Comparison::new(network, InspectedNetwork::of(&architecture, name));
    if arguments.json {
        return Ok(printer.json(&comparison)?);
    }
    if arguments.csv {
        return Ok(printer.result(&to_csv_text(&comparison.csv_rows())?)?);
    }
    printer.result(&comparison.text(width))?;
    printer.status("= marks what is the same in both; mnas inspect --help explains the names of blocks");
    Ok(())
}

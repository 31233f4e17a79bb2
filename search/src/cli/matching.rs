//! Table of the tensors of a weight file beside the parameters that they were matched to.

use clap::Args;
use mnas_engine::training::weights::{Matching, Naming};

use super::error::CliError;
use crate::report::{Heading, Printer, listing};

/// Warns where only the order of the file was left.
pub fn warn_of_order(matching: &Matching, printer: &Printer) {
    if matching.naming == Naming::Order {
        printer.warning(
            "the names of the weights' tensors follow no known rules; they were matched in the order of the file",
        );
    }
}

/// Display of what was matched.
#[derive(Debug, Args)]
pub struct MatchingArguments {
    /// Show which tensor of the weight file was matched to which parameter of the network
    #[arg(long, conflicts_with = "json")]
    show_matching: bool,
}

impl MatchingArguments {
    /// Prints the table where it is asked for, and a warning where only the order of the file was left.
    pub fn show(&self, matching: &Matching, printer: &Printer) -> Result<(), CliError> {
        warn_of_order(matching, printer);
        if !self.show_matching {
            return Ok(());
        }
        let shape = |shape: &[usize]| {
            let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
            sides.join(" x ")
        };
        let headings = [
            Heading::text("parameter"),
            Heading::text("shape"),
            Heading::text("tensor of the file"),
            Heading::text("shape"),
        ];
        let rows: Vec<Vec<String>> = matching
            .matches
            .iter()
            .map(|found| {
                vec![
                    found.parameter.name.clone(),
                    shape(&found.parameter.shape),
                    found.source.clone(),
                    shape(&found.source_shape),
                ]
            })
            .collect();
        let table = listing(&headings, &rows, printer.table_options().width);
        Ok(printer.result(&format!(
            "{} tensors matched by {}\n{table}",
            rows.len(),
            matching.naming
        ))?)
    }
}

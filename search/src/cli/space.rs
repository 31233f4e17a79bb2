//! `mnas space`

use std::path::Path;

use clap::Args;
use mnas_space::SearchSpace;
use serde::Serialize;

use super::error::CliError;
use crate::files;
use crate::random::stream;
use crate::report::Printer;

#[derive(Debug, Args)]
pub struct SpaceArguments {
    /// A space that comes with mnas, or a TOML file
    #[arg(default_value = "mobilenet")]
    space: String,
    /// Print this many random architectures instead
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Seed of --sample
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Classes of the networks
    #[arg(long, default_value_t = 1000)]
    classes: u32,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    name: String,
    description: String,
    size: String,
    block_keys: usize,
    families: Vec<FamilyRow>,
    references: Vec<String>,
}

#[derive(Serialize)]
struct FamilyRow {
    name: String,
    size: String,
    resolutions: Vec<u32>,
    widths: Vec<f64>,
    stages: usize,
}

/// Reads a space by name or path; returns its text too.
pub fn open(name: &str) -> Result<(SearchSpace, String), CliError> {
    let path = Path::new(name);
    let (file, text) = match SearchSpace::embedded(name) {
        Some(text) => (format!("configs/spaces/{name}.toml"), text.to_owned()),
        None if path.is_file() || path.extension().is_some_and(|extension| extension == "toml") => (
            name.to_owned(),
            files::read_text(path).map_err(|error| CliError::config(error.to_string()))?,
        ),
        None => {
            let known = SearchSpace::embedded_names().collect::<Vec<_>>().join(", ");
            return Err(CliError::config(format!("no search space is called `{name}`"))
                .with_help(format!("known are {known}; or give the path of a TOML file")));
        }
    };
    match SearchSpace::from_toml(&text) {
        Ok(space) => Ok((space, text)),
        Err(error) => Err(CliError::document(Path::new(&file), &text, &error)),
    }
}

pub fn run(arguments: &SpaceArguments, printer: &Printer) -> Result<(), CliError> {
    let (space, _) = open(&arguments.space)?;
    if let Some(count) = arguments.sample {
        let mut rng = stream(arguments.seed, "sample", 0, 0);
        let drawn: Vec<String> = (0..count)
            .map(|_| space.express(&space.sample(&mut rng), arguments.classes).to_string())
            .collect();
        return if arguments.json {
            Ok(printer.json(&drawn)?)
        } else {
            Ok(printer.result(&drawn.join("\n"))?)
        };
    }
    let document = Document {
        name: space.name.clone(),
        description: space.description.clone(),
        size: space.size().to_string(),
        block_keys: space.block_keys(arguments.classes).len(),
        families: space.families.iter().map(family_row).collect(),
        references: space
            .references
            .iter()
            .map(|points| points.reference.name().to_owned())
            .collect(),
    };
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    let mut lines = vec![format!("{}: {}", document.name, document.description)];
    for family in &document.families {
        lines.push(format!(
            "  {}: {} stages, widths {:?}, resolutions {:?}, {} configurations",
            family.name,
            family.stages,
            family.widths,
            family.resolutions,
            scientific(&family.size)
        ));
    }
    lines.push(format!(
        "{} configurations in all (exactly {})",
        scientific(&document.size),
        document.size
    ));
    lines.push(format!(
        "{} distinct layers to measure; references {}",
        document.block_keys,
        document.references.join(", ")
    ));
    Ok(printer.result(&lines.join("\n"))?)
}

fn family_row(family: &mnas_space::Family) -> FamilyRow {
    FamilyRow {
        name: family.name.clone(),
        size: family.size().to_string(),
        resolutions: family.resolutions.clone(),
        widths: family.widths.clone(),
        stages: family.stages.len(),
    }
}

/// The digits of a large number as `1.23e45`; up to seven digits stay as they are.
fn scientific(digits: &str) -> String {
    if digits.len() <= 7 {
        return digits.to_owned();
    }
    format!("{}.{}e{}", &digits[..1], &digits[1..3], digits.len() - 1)
}

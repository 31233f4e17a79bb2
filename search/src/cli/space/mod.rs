//! `mnas space`: [`description`] holds the facts about a space, [`choices`] lists what its stages leave open, [`text`] formats
//! both.

mod choices;
mod description;
mod text;

use std::path::{Path, PathBuf};

use clap::Args;
use mnas_space::{SearchSpace, space_around};

use super::architecture::FormArguments;
use super::error::CliError;
use crate::report::Printer;
use description::{Document, Summary};
use mnas_engine::files;
use mnas_space::random::stream;

/// Default space of commands.
pub const DEFAULT: &str = "mobilenet";

#[derive(Debug, Args)]
pub struct SpaceArguments {
    /// A space that comes with mnas, or a TOML file; without one, the spaces that come with mnas are listed
    #[arg(value_name = "NAME")]
    space: Option<String>,
    /// Write the search space around this network instead: its largest member is the network, and every member can inherit its
    /// weights
    #[arg(long, value_name = "ARCH", conflicts_with_all = ["space", "sample", "json"])]
    around: Option<String>,
    #[command(flatten)]
    form: FormArguments,
    /// File of the space written by --around [default: standard output]
    #[arg(long, value_name = "FILE", requires = "around")]
    out: Option<PathBuf>,
    /// Print this many random architectures instead [of mobilenet, where no space is named]
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Seed of --sample
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
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
                .with_help(format!("known spaces: {known}; or give the path of a TOML file")));
        }
    };
    match SearchSpace::from_toml(&text) {
        Ok(space) => Ok((space, text)),
        Err(error) => Err(CliError::document(Path::new(&file), &text, &error)),
    }
}

/// Classes of networks where the arguments do not give them.
const CLASSES: u32 = 1000;

impl SpaceArguments {
    fn classes(&self) -> u32 {
        self.form.classes().unwrap_or(CLASSES)
    }
}

pub fn run(arguments: &SpaceArguments, printer: &Printer) -> Result<(), CliError> {
    if let Some(parent) = &arguments.around {
        return write_around(arguments, parent, printer);
    }
    if let Some(flag) = arguments.form.first_change() {
        return Err(CliError::usage(format!(
            "{flag} is the form of the network of --around"
        )));
    }
    if let Some(count) = arguments.sample {
        return sample(arguments, count, printer);
    }
    let width = printer.table_options().width;
    let Some(name) = &arguments.space else {
        let mut names: Vec<&str> = SearchSpace::embedded_names().collect();
        names.sort_unstable();
        let summaries = names
            .into_iter()
            .map(|name| Ok(Summary::of(&open(name)?.0)))
            .collect::<Result<Vec<_>, CliError>>()?;
        if arguments.json {
            return Ok(printer.json(&summaries)?);
        }
        printer.result(&text::overview(&summaries, width))?;
        printer.status(&format!(
            "mnas space NAME shows one with its stages; {DEFAULT} is the default of other commands"
        ));
        return Ok(());
    };
    let (space, _) = open(name)?;
    let description = Document::of(&space, arguments.classes())?;
    if arguments.json {
        return Ok(printer.json(&description)?);
    }
    printer.result(&text::one(&space, &description, width))?;
    printer.status("mnas space NAME --sample 5 draws networks; mnas inspect --help explains the names of blocks");
    Ok(())
}

/// Prints random architectures.
fn sample(arguments: &SpaceArguments, count: usize, printer: &Printer) -> Result<(), CliError> {
    let (space, _) = open(arguments.space.as_deref().unwrap_or(DEFAULT))?;
    let mut rng = stream(arguments.seed, "sample", 0, 0);
    let drawn: Vec<String> = (0..count)
        .map(|_| space.express(&space.sample(&mut rng), arguments.classes()).to_string())
        .collect();
    if arguments.json {
        return Ok(printer.json(&drawn)?);
    }
    Ok(printer.result(&drawn.join("\n"))?)
}

/// Writes the search space around a network to a file or to standard output.
fn write_around(arguments: &SpaceArguments, parent: &str, printer: &Printer) -> Result<(), CliError> {
    let (architecture, name) = arguments.form.resolve(parent)?;
    let text = space_around(&architecture, &format!("around {name}"));
    let Some(path) = &arguments.out else {
        return Ok(printer.result(text.trim_end())?);
    };
    files::write_atomically(path, text.as_bytes())?;
    printer.status(&format!("search space around {name} written to {}", path.display()));
    Ok(())
}

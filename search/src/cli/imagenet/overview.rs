//! `mnas imagenet overview`: a predicted front beside a trained study, as the picture of a page.

use std::path::PathBuf;

use clap::Args;
use mnas_engine::imagenet::FrontOptions;
use mnas_engine::study::{StudyFolder, load, replay};
use mnas_latency::{Milliseconds, parse_latency};

use super::super::cancel_flag;
use super::super::device::TableArguments;
use super::super::error::CliError;
use super::super::search::feasibility::check_feasibility;
use super::super::search::predicted::{self, FrontRequest};
use super::super::space;
use crate::predicted::{Form, overview};
use crate::report::{Printer, ReportError, write_figure};
use crate::study::outcome;

#[derive(Debug, Args)]
pub struct OverviewArguments {
    /// The folder of a study of trained networks
    #[arg(long, value_name = "DIR")]
    study: PathBuf,
    /// The device of the predicted front: a name, or the path of a TOML file
    #[arg(long, default_value = "pixel1")]
    device: String,
    /// Latency budget of the predicted front with its unit, such as 80ms [default: none]
    #[arg(long, value_parser = parse_latency)]
    budget: Option<Milliseconds>,
    /// The search space of the predicted front: a name, or the path of a TOML file
    #[arg(long, default_value = space::DEFAULT)]
    space: String,
    /// Number of candidates to evaluate
    #[arg(long, value_name = "N", default_value_t = predicted::CANDIDATES)]
    trials: u64,
    /// Seed of the predicted front
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder of the files
    #[arg(long, value_name = "DIR", default_value = "results/overview")]
    out: PathBuf,
    #[command(flatten)]
    tables: TableArguments,
}

pub fn run(arguments: &OverviewArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    let folder = StudyFolder::open(&arguments.study)?;
    let (config, problem) = load(&folder)?;
    let trained = outcome(&config, &problem, &replay(&folder)?);
    let (space, _) = space::open(&arguments.space)?;
    let request = FrontRequest {
        space,
        devices: vec![(arguments.device.clone(), arguments.budget)],
        limits: Vec::new(),
        seed: arguments.seed,
        profile_time: None,
        tables: &arguments.tables.tables,
    };
    let (problem, description) = request.problem(printer, &cancel)?;
    check_feasibility(printer, &problem)?;
    let options = FrontOptions {
        candidates: arguments.trials.max(1),
        seed: arguments.seed,
    };
    let front = predicted::search(&problem, description, options, printer, &cancel)?;
    let front = front.ok_or_else(predicted::interrupted)?;
    let mut text = String::new();
    for (form, name) in [(Form::Wide, "overview"), (Form::Narrow, "overview-narrow")] {
        let figure = overview(&front, (&trained.rows, &trained.plot), form);
        text.clone_from(&figure.caption.description);
        let svg = figure.draw().map_err(ReportError::from)?;
        for path in write_figure(&arguments.out, name, &svg)? {
            printer.status(&format!("wrote {}", path.display()));
        }
    }
    Ok(printer.result(&text)?)
}

//! `mnas proxy-report`: rank correlations of cheap rankings with true accuracies, and their cost.
//!
//! [`measure`] runs the workers, [`rows`] computes correlations, [`text`] and [`figure`] show them.

mod figure;
pub(super) mod measure;
mod rows;
mod text;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use mnas_engine::files;
use mnas_engine::ranking::{Probe, Score, Signal, Truth, TruthError};
use mnas_engine::study::StudyFolder;
use mnas_engine::training::TrainDevice;
use mnas_space::{Architecture, SearchSpace};
use serde::Serialize;

use super::cancel_flag;
use super::data::DataArguments;
use super::error::CliError;
use super::space;
use super::train::num_cores;
use crate::report::{Printer, ReportError, to_csv_text, write_figure};
use figure::{Words, figure};
use measure::{Measurement, Values};
use rows::{Networks, Row, best_within};

/// Rankings of the report unless others are named.
const SCORES: [&str; 9] = [
    "macs",
    "params",
    "depth",
    "free",
    "naswot",
    "entropy",
    "naswot+depth",
    "naswot+entropy",
    "naswot+entropy+depth",
];

#[derive(Debug, Args)]
pub struct ProxyReportArguments {
    /// The search space, by name or TOML file [default: that of the study given as truth]
    #[arg(long)]
    space: Option<String>,
    /// Networks of known accuracy: table:FILE (CSV with the columns architecture and accuracy, or the file of NAS-Bench-Macro or
    /// Accel-NASBench), or the folder of a study
    #[arg(long, value_name = "table:FILE|STUDY")]
    truth: String,
    #[command(flatten)]
    data: DataArguments,
    /// Rankings to judge, separated by commas: macs, params, depth, naswot, entropy, means of several such as naswot+entropy, or
    /// free (macs+params+depth) [default: all that the data allows]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    signals: Vec<String>,
    /// Networks drawn from the truth
    #[arg(long, value_name = "N", default_value_t = 200)]
    networks: usize,
    /// Wall time in which all networks are to be ranked
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
    time: Duration,
    /// Seed of the draw, of weights, of noise and of intervals
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Worker processes, one thread each [default: the cores]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Device that libtorch measures on: cpu, cuda, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    train_device: TrainDevice,
    /// Write correlations.csv, signals.csv and correlations.svg and .png into this folder
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The document of `mnas proxy-report --json`.
#[derive(Serialize)]
struct Document<'a> {
    space: &'a str,
    truth: &'a str,
    /// Number of networks.
    networks: usize,
    seed: u64,
    width: f64,
    resolution_scale: f64,
    batch_size: usize,
    workers: usize,
    rows: &'a [Row],
    /// Name of the ranking to use within the time; it needs no label of unknown cost.
    best: Option<&'a str>,
}

/// A network of `signals.csv`.
#[derive(Serialize)]
struct NetworkRow {
    architecture: String,
    accuracy: f64,
    macs: Option<f64>,
    params: Option<f64>,
    depth: Option<f64>,
    naswot: Option<f64>,
    entropy: Option<f64>,
}

pub fn run(arguments: &ProxyReportArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    let scores = arguments.scores(printer)?;
    let (truth, space) = arguments.truth_and_space()?;
    let known = truth.draw(&space, arguments.networks.max(1), arguments.seed)?;
    if known.len() < arguments.networks {
        printer.warning(&format!(
            "the truth holds {} networks of the space, fewer than the {} requested",
            known.len(),
            arguments.networks
        ));
    }
    let networks: Vec<Architecture> = known.iter().map(|(_, known)| known.architecture.clone()).collect();
    let largest = networks.iter().map(|network| network.resolution).max().unwrap_or(1);
    let probe = Probe::of_largest_resolution(largest, arguments.seed);
    let workers = arguments.workers.unwrap_or_else(num_cores).max(1);
    let signals = measured_signals(&scores);
    let measured = Measurement {
        signals: &signals,
        probe,
        data: arguments.data.is_given().then(|| arguments.data.request(None)),
        workers,
        device: arguments.train_device,
        time: Some(arguments.time),
    }
    .run(&networks, printer, &cancel)?;
    let (rows, undefined) = Networks {
        space: &space,
        known: &known,
        measured: &measured,
        seed: arguments.seed,
        label_cpu_seconds: truth.label_cpu_seconds,
    }
    .rows(&scores);
    for (signal, count) in undefined {
        printer.warning(&format!("{signal} is left out: it is not defined for {count} networks"));
    }
    let words = Words {
        space: space.name.clone(),
        truth: arguments.truth.clone(),
        networks: known.len(),
    };
    if let Some(folder) = &arguments.out {
        let accuracies: Vec<f64> = known.iter().map(|(_, known)| known.accuracy).collect();
        write_files(
            folder,
            &rows,
            &network_rows(&networks, &accuracies, &measured),
            &words,
            printer,
        )?;
    }
    let minutes = arguments.time.as_secs_f64() / 60.0 * workers as f64;
    let best = best_within(&rows, minutes);
    if arguments.json {
        return Ok(printer.json(&Document {
            space: &words.space,
            truth: &words.truth,
            networks: words.networks,
            seed: arguments.seed,
            width: probe.width,
            resolution_scale: probe.resolution_scale,
            batch_size: probe.batch_size,
            workers,
            rows: &rows,
            best: best.map(|row| row.name.as_str()),
        })?);
    }
    printer.result(&text::table(&rows, printer.table_options().width))?;
    Ok(printer.result(&text::advice(&rows, best, arguments.time, workers))?)
}

impl ProxyReportArguments {
    /// The rankings to judge: those named, else all that the data allows.
    fn scores(&self, printer: &Printer) -> Result<Vec<Score>, CliError> {
        let has_data = self.data.is_given();
        let parsed = |name: &str| -> Result<Score, CliError> {
            name.parse()
                .map_err(|error: mnas_engine::ranking::UnknownSignal| CliError::usage(error.to_string()))
        };
        if self.signals.is_empty() {
            let mut scores = SCORES.iter().map(|name| parsed(name)).collect::<Result<Vec<_>, _>>()?;
            if !has_data {
                scores.retain(|score| !score.needs_images());
                printer.warning("naswot is left out: it needs images, give --data");
            }
            return Ok(scores);
        }
        let scores = self
            .signals
            .iter()
            .map(|name| parsed(name))
            .collect::<Result<Vec<_>, _>>()?;
        match scores.iter().find(|score| score.needs_images()) {
            Some(score) if !has_data => Err(CliError::usage(format!("{score} needs images; give --data PATH"))),
            _ => Ok(scores),
        }
    }

    /// The known networks and the space that they are drawn from.
    fn truth_and_space(&self) -> Result<(Truth, SearchSpace), CliError> {
        let named = self
            .space
            .as_deref()
            .map(space::open)
            .transpose()?
            .map(|(space, _)| space);
        if let Some(path) = self.truth.strip_prefix("table:") {
            let space =
                named.ok_or_else(|| CliError::usage("name the search space of the table's networks with --space"))?;
            return Ok((Truth::of_table(Path::new(path))?, space));
        }
        let folder = Path::new(&self.truth);
        if !folder.is_dir() {
            return Err(CliError::usage(format!(
                "--truth {}: there is no such folder; expected table:FILE or the folder of a study",
                self.truth
            )));
        }
        let (truth, of_study) = Truth::of_study(&StudyFolder::open(folder)?)?;
        Ok((truth, named.unwrap_or(of_study)))
    }
}

/// The distinct signals of scores that need forward passes.
fn measured_signals(scores: &[Score]) -> Vec<Signal> {
    let is_used = |signal: &Signal| scores.iter().any(|score| score.signals().contains(signal));
    let all = Signal::ALL.into_iter();
    all.filter(|signal| !signal.is_free()).filter(is_used).collect()
}

fn network_rows(networks: &[Architecture], accuracies: &[f64], measured: &[Values]) -> Vec<NetworkRow> {
    let row = |at: usize| {
        let value = |signal: Signal| measured[at].get(&signal).and_then(|measured| measured.value);
        let free = |signal: Signal| signal.of_architecture(&networks[at]);
        NetworkRow {
            architecture: networks[at].to_string(),
            accuracy: accuracies[at],
            macs: free(Signal::Macs),
            params: free(Signal::Params),
            depth: free(Signal::Depth),
            naswot: value(Signal::Naswot),
            entropy: value(Signal::Entropy),
        }
    };
    (0..networks.len()).map(row).collect()
}

fn write_files(
    folder: &Path,
    rows: &[Row],
    networks: &[NetworkRow],
    words: &Words,
    printer: &Printer,
) -> Result<(), CliError> {
    files::create_folder(folder)?;
    let mut written = Vec::new();
    for (name, text) in [
        ("correlations.csv", to_csv_text(rows)?),
        ("signals.csv", to_csv_text(networks)?),
    ] {
        let path = folder.join(name);
        files::write_atomically(&path, text.as_bytes())?;
        written.push(path);
    }
    let drawn = figure(rows, words).draw().map_err(ReportError::from)?;
    written.extend(write_figure(folder, "correlations", &drawn)?);
    for path in written {
        printer.status(&format!("wrote {}", path.display()));
    }
    Ok(())
}

impl From<TruthError> for CliError {
    fn from(error: TruthError) -> Self {
        match error {
            TruthError::Study(error) => error.into(),
            TruthError::Table(_)
            | TruthError::Scores { .. }
            | TruthError::OtherSpace { .. }
            | TruthError::TooFew { .. } => Self::config(error.to_string()),
        }
    }
}

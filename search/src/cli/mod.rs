//! The `mnas` command: arguments, and one file per subcommand.

mod architecture;
mod bench;
mod clock;
mod compare;
mod completions;
mod data;
mod device;
mod doctor;
mod error;
mod eval;
mod eval_model;
mod export;
mod imagenet;
mod images;
mod inspect;
mod latency;
mod matching;
mod model;
mod plot;
mod predict;
mod profile;
mod proxy_report;
mod refs;
mod scale;
mod search;
mod space;
mod train;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Parser, Subcommand};

use crate::report::Printer;
use error::CliError;

/// Exit codes, for the help text.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed
  2    wrong arguments
  3    unusable configuration or data
  4    no network of the space meets the budget
  5    the latency table is missing, belongs to another device, or does not hold any more
  130  interrupted, everything saved";

/// Hardware-aware architecture search for MobileNet-style networks.
///
/// Give it a device, a latency budget and your own images; it gives you the best trained network under that budget, beside
/// MobileNetV1, V2 and V3.
#[derive(Debug, Parser)]
#[command(name = "mnas", version, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print results, warnings and errors only
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find the best network under a latency budget
    Search(Box<search::SearchArguments>),
    /// Build or complete the latency table of a device
    Profile(profile::ProfileArguments),
    /// Predict (and measure) the latency of one network
    Latency(latency::LatencyArguments),
    /// Show a network layer by layer with its exact costs, alone or beside another
    Inspect(inspect::InspectArguments),
    /// List the search spaces, show one, or draw networks from it
    Space(space::SpaceArguments),
    /// List the published networks by name, or everything that was published of one
    Refs(refs::RefsArguments),
    /// Find the best width, depth and resolution of a network under a latency budget
    Scale(Box<scale::ScaleArguments>),
    /// Fit the predictor of ImageNet accuracies, measure its errors, or draw its front beside a study
    Imagenet(imagenet::ImagenetArguments),
    /// Measure how well cheap signals rank the networks of a space, and their cost
    ProxyReport(proxy_report::ProxyReportArguments),
    /// Train one network and save its weights
    Train(train::TrainArguments),
    /// Evaluate saved weights or an exported network on a data set
    Eval(eval::EvalArguments),
    /// Classify images with an exported network
    Predict(predict::PredictArguments),
    /// Measure the training speed of a network on this machine in images per second
    Bench(bench::BenchArguments),
    /// Write a network as TFLite, ONNX, TorchScript, PyTorch module, safetensors or TOML
    Export(export::ExportArguments),
    /// Compare studies: fronts, best accuracy and hypervolume over trials and over time
    Compare(compare::CompareArguments),
    /// Redraw a study's tables and plots from its journal
    Plot(plot::PlotArguments),
    /// Train for a coordinator that sends JSON lines over stdin and stdout
    Worker(worker::WorkerArguments),
    /// List what is found on this machine and what is missing
    Doctor(doctor::DoctorArguments),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArguments),
}

/// Runs the command line and returns the process's exit code.
pub fn run() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to stdout and are not failures; errors of closed streams are ignored.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let printer = Printer::new(arguments.quiet);
    let logs = printer.clone();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("MNAS_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(move || logs.log_writer())
        .without_time()
        .init();
    match dispatch(arguments.command, &printer) {
        Ok(()) => 0,
        Err(error) => {
            let code = error.code();
            if code != 0 {
                printer.error(&error.render());
            }
            code
        }
    }
}

fn dispatch(command: Command, printer: &Printer) -> Result<(), CliError> {
    match command {
        Command::Search(arguments) => search::run(&arguments, printer),
        Command::Profile(arguments) => profile::run(&arguments, printer),
        Command::Latency(arguments) => latency::run(&arguments, printer),
        Command::Inspect(arguments) => inspect::run(&arguments, printer),
        Command::Space(arguments) => space::run(&arguments, printer),
        Command::Refs(arguments) => refs::run(&arguments, printer),
        Command::Scale(arguments) => scale::run(&arguments, printer),
        Command::Imagenet(arguments) => imagenet::run(&arguments, printer),
        Command::ProxyReport(arguments) => proxy_report::run(&arguments, printer),
        Command::Train(arguments) => train::run(&arguments, printer),
        Command::Eval(arguments) => eval::run(&arguments, printer),
        Command::Predict(arguments) => predict::run(&arguments, printer),
        Command::Bench(arguments) => bench::run(&arguments, printer),
        Command::Export(arguments) => export::run(&arguments, printer),
        Command::Compare(arguments) => compare::run(&arguments, printer),
        Command::Plot(arguments) => plot::run(&arguments, printer),
        Command::Worker(arguments) => worker::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments, printer),
        Command::Completions(arguments) => completions::run(&arguments, printer),
    }
}

/// A flag that Ctrl-C and SIGTERM set; a second Ctrl-C ends the process at once.
fn cancel_flag() -> Result<Arc<AtomicBool>, CliError> {
    let flag = Arc::new(AtomicBool::new(false));
    let handle = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if handle.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .map_err(|error| CliError::failure(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(flag)
}

//! Measures networks on this device for an `mnas` elsewhere; see the `agent` module of the library.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mnas_latency::runtimes::{self, Libraries};
use mnas_latency::{Device, agent};

/// Name and version in hello.
const PROGRAM: &str = concat!("mnas-agent ", env!("CARGO_PKG_VERSION"));

/// Measures networks on this device for an `mnas` elsewhere
///
/// It is started by `mnas profile --device ssh:user@host`, or by the `command` of a device file, and speaks JSON lines on stdin and
/// stdout until stdin ends.
#[derive(Debug, Parser)]
#[command(name = "mnas-agent", version)]
struct Arguments {
    /// The ONNX Runtime library of this device [default: the environment's `ORT_DYLIB_PATH`, or libonnxruntime.so beside this
    /// program]
    #[arg(long, value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
    /// The LiteRT library of this device [default: the environment's `LITERT_DYLIB_PATH`, or libLiteRt.so beside this program]
    #[arg(long, value_name = "FILE")]
    litert: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Stdout is for answers.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("MNAS_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
    let libraries = libraries(arguments);
    let mut open = |device: &Device| runtimes::open(device, &libraries);
    let input = BufReader::new(std::io::stdin());
    match agent::serve(input, std::io::stdout(), PROGRAM, &mut open) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the pipe to the coordinator broke: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Paths of the arguments, else those of [`library`].
fn libraries(arguments: Arguments) -> Libraries {
    const ONNX_RUNTIME: [&str; 3] = ["libonnxruntime.so", "libonnxruntime.so.1", "libonnxruntime.dylib"];
    const LITERT: [&str; 2] = ["libLiteRt.so", "libLiteRt.dylib"];
    Libraries {
        onnx_runtime: arguments
            .onnxruntime
            .or_else(|| library("ORT_DYLIB_PATH", &ONNX_RUNTIME, option_env!("ORT_DYLIB_PATH"))),
        litert: arguments
            .litert
            .or_else(|| library("LITERT_DYLIB_PATH", &LITERT, option_env!("LITERT_DYLIB_PATH"))),
    }
}

/// The library that the environment names, else the one of these `names` beside this program, else the one that it was built with.
fn library(variable: &str, names: &[&str], built_with: Option<&str>) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let program = std::env::current_exe().ok()?;
    let beside = names
        .iter()
        .map(|name| program.with_file_name(name))
        .find(|path| path.is_file());
    beside.or_else(|| built_with.map(PathBuf::from))
}

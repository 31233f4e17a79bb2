//! Agent that measures networks on this device for an `mnas` on another machine; see the `agent` module of the library.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mnas_latency::runtimes::{self, Libraries};
use mnas_latency::{Device, agent};

/// Name and version of this program, sent in the hello.
const PROGRAM: &str = concat!("mnas-agent ", env!("CARGO_PKG_VERSION"));

/// Measures networks on this device for an `mnas` on another machine
///
/// `mnas profile --device ssh:user@host`, or the `command` of a device file, starts this program. It exchanges JSON lines on stdin and
/// stdout until stdin ends.
#[derive(Debug, Parser)]
#[command(name = "mnas-agent", version)]
struct Arguments {
    /// Path of this device's ONNX Runtime library [default: the environment's `ORT_DYLIB_PATH`, or libonnxruntime.so beside this
    /// program]
    #[arg(long, value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
    /// Path of this device's LiteRT library [default: the environment's `LITERT_DYLIB_PATH`, or libLiteRt.so beside this program]
    #[arg(long, value_name = "FILE")]
    litert: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Stdout is reserved for replies.
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

/// Paths given as arguments, or else those found by [`library`].
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

/// Finds a library: the path in the environment variable, else a file with one of `names` in the program's folder, else the path that
/// the program was built with.
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

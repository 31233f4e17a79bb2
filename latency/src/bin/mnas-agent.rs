//! Measures networks on this device for an `mnas` elsewhere; see the `agent` module of the library.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mnas_latency::{Device, agent, runtimes};

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
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Stdout is for answers.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("MNAS_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
    let library = arguments.onnxruntime.or_else(library);
    let mut open = |device: &Device| runtimes::open(device, library.as_deref());
    let input = BufReader::new(std::io::stdin());
    match agent::serve(input, std::io::stdout(), PROGRAM, &mut open) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the pipe to the coordinator broke: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The library of the environment, the one beside this program, else the one that it was built with.
fn library() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let program = std::env::current_exe().ok()?;
    let names = ["libonnxruntime.so", "libonnxruntime.so.1", "libonnxruntime.dylib"];
    let beside = names
        .iter()
        .map(|name| program.with_file_name(name))
        .find(|path| path.is_file());
    beside.or_else(|| option_env!("ORT_DYLIB_PATH").map(PathBuf::from))
}

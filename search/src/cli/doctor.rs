//! `mnas doctor`

use std::path::Path;

use clap::Args;
use mnas_latency::runtimes::{LiteRt, OnnxRuntime};
use mnas_latency::{HostFacts, Runtime, RuntimeError};
use serde::Serialize;

use super::device::{litert_library, onnx_runtime_library};
use super::error::CliError;
use super::train::num_cores;
use crate::report::Printer;
use crate::worker_client::{WorkerClient, WorkerError};
use mnas_engine::training::TrainDevice;
use mnas_engine::worker::WorkerFacts;

#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    found: String,
    remedy: Option<&'static str>,
}

pub fn run(arguments: &DoctorArguments, printer: &Printer) -> Result<(), CliError> {
    let worker = WorkerClient::start(TrainDevice::Cpu).map(|worker| worker.facts().clone());
    let findings = [
        version(),
        libtorch(&worker),
        onnx_runtime(),
        litert(),
        cuda(&worker),
        processor(),
        memory(),
        folder(),
    ];
    if arguments.json {
        printer.json(&findings)?;
    } else {
        let mut lines = Vec::new();
        for finding in &findings {
            let mark = if finding.ok { "ok     " } else { "MISSING" };
            lines.push(format!("{mark}  {:<13} {}", finding.what, finding.found));
            if let Some(remedy) = finding.remedy {
                lines.push(format!("{:24}{remedy}", ""));
            }
        }
        printer.result(&lines.join("\n"))?;
    }
    let missing = findings.iter().filter(|finding| !finding.ok).count();
    if missing > 0 {
        return Err(CliError::failure(format!(
            "{missing} of {} components are missing",
            findings.len()
        )));
    }
    Ok(())
}

fn version() -> Finding {
    let found = format!(
        "{} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::current_exe().unwrap_or_default().display()
    );
    Finding {
        what: "mnas",
        ok: true,
        found,
        remedy: None,
    }
}

/// libtorch as the worker finds it.
fn libtorch(worker: &Result<WorkerFacts, WorkerError>) -> Finding {
    let what = "libtorch";
    match worker {
        Ok(facts) => {
            let place = facts
                .library
                .as_ref()
                .map_or_else(String::new, |path| format!(" {}", path.display()));
            Finding {
                what,
                ok: facts.computes,
                found: format!("{}{place}, {} threads", facts.libtorch, facts.threads),
                remedy: (!facts.computes).then_some("it fails a test computation; run `cargo xtask setup --verify`"),
            }
        }
        Err(error) => Finding {
            what,
            ok: false,
            found: error.to_string(),
            remedy: None,
        },
    }
}

fn onnx_runtime() -> Finding {
    let remedy = "run `cargo xtask setup`, or set ORT_DYLIB_PATH to libonnxruntime.so";
    runtime("ONNX Runtime", onnx_runtime_library().as_deref(), remedy, |library| {
        OnnxRuntime::new(library, 1).map(|runtime| runtime.version().to_owned())
    })
}

fn litert() -> Finding {
    let remedy = "run `cargo xtask setup`, or set LITERT_DYLIB_PATH to libLiteRt.so";
    runtime("LiteRT", litert_library().as_deref(), remedy, |library| {
        LiteRt::new(library, 1).map(|runtime| runtime.version().to_owned())
    })
}

/// Library of a runtime, as `load` finds it: its version.
fn runtime(
    what: &'static str,
    library: Option<&Path>,
    remedy: &'static str,
    load: impl FnOnce(&Path) -> Result<String, RuntimeError>,
) -> Finding {
    let found = match library {
        None => Err("no library is known".to_owned()),
        Some(library) => load(library)
            .map(|version| format!("{version} {}", library.display()))
            .map_err(|error| error.to_string()),
    };
    let ok = found.is_ok();
    Finding {
        what,
        ok,
        found: found.unwrap_or_else(|problem| problem),
        remedy: (!ok).then_some(remedy),
    }
}

fn cuda(worker: &Result<WorkerFacts, WorkerError>) -> Finding {
    let devices = worker.as_ref().map_or(0, |facts| facts.cuda_devices);
    let found = if devices > 0 {
        format!("{devices} device(s)")
    } else {
        "none (not needed: training runs on the CPU)".to_owned()
    };
    Finding {
        what: "CUDA",
        ok: true,
        found,
        remedy: None,
    }
}

fn processor() -> Finding {
    let facts = HostFacts::gather();
    let found = format!(
        "{}, {} cores for this process, {} {}",
        facts.cpu,
        num_cores(),
        facts.os,
        facts.kernel
    );
    Finding {
        what: "processor",
        ok: true,
        found,
        remedy: None,
    }
}

fn memory() -> Finding {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let gibibytes = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace()
            .nth(1)?
            .parse::<f64>()
            .ok()
            .map(|kibibytes| kibibytes / 1024.0 / 1024.0)
    };
    let found = match (gibibytes("MemTotal:"), gibibytes("MemAvailable:")) {
        (Some(total), Some(free)) => format!("{total:.1} GiB, {free:.1} GiB available"),
        _ => "unknown".to_owned(),
    };
    Finding {
        what: "memory",
        ok: true,
        found,
        remedy: None,
    }
}

fn folder() -> Finding {
    let writable = tempfile::tempfile_in(".").is_ok();
    Finding {
        what: "this folder",
        ok: writable,
        found: std::env::current_dir().unwrap_or_default().display().to_string(),
        remedy: (!writable)
            .then_some("it cannot be written to; results go to ./results unless --out and --tables name other folders"),
    }
}

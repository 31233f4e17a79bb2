//! `mnas bench`

mod pipeline;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use mnas_space::Architecture;
use serde::{Deserialize, Serialize};

use super::architecture::ArchitectureArguments;
use super::error::CliError;
use super::train::num_cores;
use crate::report::{Printer, units};
use mnas_engine::training::{Recipe, TrainDevice};
use mnas_train::{Network, throughput};

#[derive(Debug, Args)]
pub struct BenchArguments {
    #[command(flatten)]
    architecture: ArchitectureArguments,
    /// Images per step
    #[arg(long, default_value_t = 128)]
    batch_size: usize,
    /// libtorch's threads of each process [default: the cores, divided by the processes]
    #[arg(long)]
    threads: Option<usize>,
    /// Processes that train at the same time
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// How long each measures
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// Where to train: cpu, cuda, or cuda:N
    #[arg(long, default_value_t)]
    pub device: TrainDevice,
    /// Measure instead how many images a second of this data set are read, cropped at random, flipped, normalised and batched at the
    /// network's resolution, on all cores
    #[arg(long, value_name = "PATH", conflicts_with_all = ["threads", "workers", "device"])]
    data: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// One network trained in some processes at once.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    pub architecture: &'a Architecture,
    pub batch_size: usize,
    pub workers: usize,
    /// Of each process.
    pub threads: usize,
    pub time: Duration,
    pub device: TrainDevice,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub device: TrainDevice,
    pub resolution: u32,
    pub batch_size: usize,
    pub workers: usize,
    /// Of each process.
    pub threads: usize,
    /// Of all processes together.
    pub images_per_s: f64,
    /// The sum of the largest amounts that the processes held; where the system tells.
    pub peak_memory_mib: Option<f64>,
}

pub fn run(arguments: &BenchArguments, printer: &Printer) -> Result<(), CliError> {
    let (architecture, name) = arguments.architecture.resolve()?;
    if let Some(data) = &arguments.data {
        return pipeline(arguments, data, architecture.resolution, printer);
    }
    let workers = arguments.workers.max(1);
    let load = Load {
        architecture: &architecture,
        batch_size: arguments.batch_size.max(2),
        workers,
        threads: arguments.threads.unwrap_or(num_cores() / workers).max(1),
        time: arguments.time,
        device: arguments.device,
    };
    let measured = if workers == 1 { load.here()? } else { load.measure()? };
    if arguments.json {
        return Ok(printer.json(&measured)?);
    }
    let peak = measured
        .peak_memory_mib
        .map_or_else(String::new, |peak| format!(", {peak:.0} MiB at most"));
    Ok(printer.result(&format!(
        "{name}, {} px, batch {}, on {}: {:.0} images/s in {workers} x {} threads{peak}",
        measured.resolution, measured.batch_size, measured.device, measured.images_per_s, measured.threads
    ))?)
}

fn pipeline(arguments: &BenchArguments, data: &Path, resolution: u32, printer: &Printer) -> Result<(), CliError> {
    let found = pipeline::measure(data, resolution, arguments.batch_size.max(2), arguments.time)?;
    if arguments.json {
        return Ok(printer.json(&found)?);
    }
    Ok(printer.result(&format!(
        "{} images of {} at {resolution} px, batch {}: {:.0} images/s decoded anew each time, {:.0} images/s kept decoded ({} once)",
        found.images,
        data.display(),
        found.batch_size,
        found.images_per_s,
        found.kept_images_per_s,
        units::seconds(found.decode_seconds)
    ))?)
}

impl Load<'_> {
    /// Trains in this process.
    fn here(&self) -> Result<Measured, CliError> {
        tch::set_num_threads(i32::try_from(self.threads).unwrap_or(1));
        let network = Network::new(self.architecture.graph(), mnas_train::open_device(self.device)?, 0)?;
        let recipe = Recipe {
            batch_size: self.batch_size,
            ..Recipe::embedded("quick")?
        };
        Ok(Measured {
            images_per_s: throughput(&network, &recipe, self.time)?.images_per_second,
            peak_memory_mib: peak_memory_mib(),
            ..self.nothing()
        })
    }

    /// Trains in processes of their own, all at the same time.
    pub fn measure(&self) -> Result<Measured, CliError> {
        let program = std::env::current_exe()?;
        let mut children = Vec::new();
        for _ in 0..self.workers {
            let child = Command::new(&program)
                .args(["bench", &self.architecture.to_string(), "--json"])
                .args(["--batch-size", &self.batch_size.to_string()])
                .args(["--threads", &self.threads.to_string()])
                .args(["--time", &format!("{}ms", self.time.as_millis())])
                .args(["--device", &self.device.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?;
            children.push(child);
        }
        let mut sum = self.nothing();
        for child in children {
            let output = child.wait_with_output()?;
            let one: Measured = serde_json::from_slice(&output.stdout).map_err(|_| {
                let words = String::from_utf8_lossy(&output.stderr);
                CliError::failure(format!(
                    "a process that trains ended with {}: {}",
                    output.status,
                    words.trim()
                ))
            })?;
            sum.images_per_s += one.images_per_s;
            sum.peak_memory_mib = sum.peak_memory_mib.zip(one.peak_memory_mib).map(|(sum, one)| sum + one);
        }
        Ok(sum)
    }

    fn nothing(&self) -> Measured {
        Measured {
            device: self.device,
            resolution: self.architecture.resolution,
            batch_size: self.batch_size,
            workers: self.workers,
            threads: self.threads,
            images_per_s: 0.0,
            peak_memory_mib: Some(0.0),
        }
    }
}

/// The largest amount of memory that this process held.
fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_network_is_measured() {
        let architecture: Architecture = "in16,conv_k3_s2_c8_nr6,head_o4".parse().unwrap();
        let load = Load {
            architecture: &architecture,
            batch_size: 4,
            workers: 1,
            threads: tch::get_num_threads() as usize,
            time: Duration::ZERO,
            device: TrainDevice::Cpu,
        };
        let measured = load.here().unwrap();
        assert!(measured.images_per_s > 0.0);
        assert_eq!((measured.resolution, measured.batch_size), (16, 4));
        if cfg!(target_os = "linux") {
            assert!(measured.peak_memory_mib.unwrap() > 1.0);
        }
    }
}

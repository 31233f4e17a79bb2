//! Number of networks to train at once, and of threads for each: measured once for each network size, batch and machine.
//!
//! Two processes of one thread often train on more images than one process of two threads: most layers of a small network are too
//! short to be divided among threads. On large images memory decides instead. So each way to divide the cores is measured for some seconds.

use std::path::Path;
use std::time::Duration;

use mnas_latency::HostFacts;
use mnas_space::{Architecture, parse_toml};
use serde::{Deserialize, Serialize};

use super::super::error::CliError;
use crate::report::Printer;
use crate::worker_client::{TrainingLoad, throughput};
use mnas_engine::files;
use mnas_engine::training::TrainDevice;
use mnas_engine::worker::LIBTORCH_VERSION;

/// Time to measure each way, twice: first all ways, then all again, since machines slow down and recover.
const TIME: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 2;

/// The file in the folder of latency tables.
const FILE: &str = "training.toml";

/// Number of networks trained at once, and of threads for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    pub workers: usize,
    /// Threads of each worker.
    pub threads: usize,
    /// Reason for the choice, for display.
    pub reason: String,
}

/// Measurements of machines so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Known {
    #[serde(default)]
    measured: Vec<Measurement>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Measurement {
    cpu: String,
    cores: usize,
    libtorch: String,
    network: String,
    batch_size: usize,
    ways: Vec<Way>,
}

/// One way to divide the cores among workers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Way {
    workers: usize,
    threads: usize,
    images_per_s: f64,
}

/// Measures, or reads from the folder of `tables`, which way trains `network` on the most images per second.
pub(super) fn choose(
    tables: &Path,
    network: &Architecture,
    batch_size: usize,
    printer: &Printer,
) -> Result<Placement, CliError> {
    let path = tables.join(FILE);
    let mut known = read(&path)?;
    let facts = HostFacts::gather();
    let mut sought = Measurement {
        cpu: facts.cpu,
        cores: facts.cores,
        libtorch: LIBTORCH_VERSION.to_owned(),
        network: network.to_string(),
        batch_size,
        ways: Vec::new(),
    };
    let same = |one: &&Measurement| {
        Measurement {
            ways: Vec::new(),
            ..(*one).clone()
        } == sought
    };
    if let Some(found) = known.measured.iter().find(same) {
        return Ok(best(&found.ways, "measured before"));
    }
    sought.ways = measure(network, batch_size, facts.cores, printer)?;
    let placement = best(&sought.ways, "measured now");
    known.measured.push(sought);
    files::create_folder(tables)?;
    let text = toml::to_string(&known).map_err(|error| CliError::failure(error.to_string()))?;
    let heading = "# Written by mnas: training images per second of all workers together, by division of the cores.\n";
    files::write_atomically(&path, format!("{heading}{text}").as_bytes())?;
    Ok(placement)
}

fn read(path: &Path) -> Result<Known, CliError> {
    if !path.exists() {
        return Ok(Known::default());
    }
    let text = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
    parse_toml(&text).map_err(|error| {
        CliError::document(path, &text, &error)
            .with_help("remove the file to have it measured again, or give --workers")
    })
}

fn measure(network: &Architecture, batch_size: usize, cores: usize, printer: &Printer) -> Result<Vec<Way>, CliError> {
    let mut ways: Vec<Way> = splits(cores).collect();
    let bar = printer.progress("measuring ways to divide the cores", (ROUNDS * ways.len()) as u64);
    for round in 0..ROUNDS {
        for index in 0..ways.len() {
            bar.set((round * ways.len() + index) as u64);
            let way = &mut ways[index];
            let load = TrainingLoad {
                architecture: network,
                batch_size,
                workers: way.workers,
                threads: way.threads,
                time: TIME,
                device: TrainDevice::Cpu,
            };
            way.images_per_s = way.images_per_s.max(throughput(&load)?.images_per_s);
        }
    }
    bar.finish("cores shared out");
    Ok(ways)
}

/// One thread each, two, four and so on, until one worker has them all.
fn splits(cores: usize) -> impl Iterator<Item = Way> {
    let powers =
        std::iter::successors(Some(1), |threads| Some(2 * threads)).take_while(move |&threads| threads < cores);
    powers.chain([cores.max(1)]).map(move |threads| Way {
        workers: (cores / threads).max(1),
        threads,
        images_per_s: 0.0,
    })
}

fn best(ways: &[Way], when: &str) -> Placement {
    let best = ways
        .iter()
        .max_by(|one, other| one.images_per_s.total_cmp(&other.images_per_s));
    let list = ways
        .iter()
        .map(|way| format!("{} x {}: {:.0}", way.workers, way.threads, way.images_per_s));
    let list = list.collect::<Vec<_>>().join(", ");
    Placement {
        workers: best.map_or(1, |best| best.workers),
        threads: best.map_or(1, |best| best.threads),
        reason: format!("{when}, images/s of workers x threads: {list}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_shared_out_in_powers_of_two_and_whole() {
        let ways = |cores| splits(cores).map(|way| (way.workers, way.threads)).collect::<Vec<_>>();
        assert_eq!(ways(1), [(1, 1)]);
        assert_eq!(ways(2), [(2, 1), (1, 2)]);
        assert_eq!(ways(6), [(6, 1), (3, 2), (1, 4), (1, 6)]);
        assert_eq!(ways(8), [(8, 1), (4, 2), (2, 4), (1, 8)]);
    }

    #[test]
    fn what_was_measured_before_is_used_and_a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let facts = HostFacts::gather();
        let network: Architecture = "in16,conv_k3_s2_c8_nr6,head_o4".parse().unwrap();
        let way = |workers, threads, images_per_s| Way {
            workers,
            threads,
            images_per_s,
        };
        let known = Known {
            measured: vec![Measurement {
                cpu: facts.cpu,
                cores: facts.cores,
                libtorch: LIBTORCH_VERSION.to_owned(),
                network: network.to_string(),
                batch_size: 8,
                ways: vec![way(4, 1, 100.0), way(2, 2, 130.0), way(1, 4, 90.0)],
            }],
        };
        let path = folder.path().join(FILE);
        std::fs::write(&path, toml::to_string(&known).unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), known);
        let printer = Printer::new(true);
        let found = choose(folder.path(), &network, 8, &printer).unwrap();
        assert_eq!((found.workers, found.threads), (2, 2));
        assert_eq!(
            found.reason,
            "measured before, images/s of workers x threads: 4 x 1: 100, 2 x 2: 130, 1 x 4: 90"
        );
        std::fs::write(&path, "measured = 3").unwrap();
        let error = choose(folder.path(), &network, 8, &printer).unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}

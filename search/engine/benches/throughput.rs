//! Candidates per second of the engine's strategies with evaluations of negligible cost.
//!
//! `cargo bench -p mnas-engine --bench throughput -- [NAME=VALUE…]` prints one figure per line: NSGA-II over NAS-Bench-Macro's
//! table (accuracy against multiply-adds; duplicates are evaluated again, as in pymoo with
//! `eliminate_duplicates=False`), and searches in the default space under a latency budget, with latencies from a table and
//! accuracies from a formula. Names: `data`, the folder of `nas-bench-macro.json`; `population` and `generations` of
//! NSGA-II; `candidates` of a constrained search; `threads`, each with a search of its own.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mnas_engine::evaluator::RecordedTable;
use mnas_engine::problem::{Metric, Problem, TargetDevice};
use mnas_engine::strategy::{Evolution, LocalSearch, Nsga2, Observation, RandomSearch, Strategy};
use mnas_latency::runtimes::Libraries;
use mnas_latency::{Device, LatencyModel, MeasureSettings, Milliseconds, ProfileOptions};
use mnas_space::random::stream;
use mnas_space::{Architecture, SearchSpace};

fn main() {
    let arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let given: HashMap<String, String> = arguments
        .map(|argument| {
            let (name, value) = argument.split_once('=').expect("NAME=VALUE");
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let number = |name: &str, default: usize| given.get(name).map_or(default, |value| value.parse().unwrap());
    let data = given
        .get("data")
        .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let threads = number("threads", 2);
    nsga2(&data, number("population", 100), number("generations", 200));
    constrained(number("candidates", 500_000), threads);
}

fn space(name: &str) -> SearchSpace {
    SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap()
}

/// NSGA-II over a recorded table, on one thread.
fn nsga2(data: &std::path::Path, population: usize, generations: usize) {
    let table = RecordedTable::read(&data.join("nas-bench-macro.json")).unwrap();
    let objectives = vec![Metric::Accuracy, Metric::Macs];
    let problem = Problem::new(space("nas-bench-macro"), 10, Vec::new(), objectives, Vec::new());
    let evaluate = |architecture: &Architecture| table.accuracy(architecture);
    let count = population * generations;
    let started = Instant::now();
    search(&problem, &Nsga2 { population }, count, 1, &evaluate);
    let rate = count as f64 / started.elapsed().as_secs_f64();
    println!("nsga2 over the table, {count} evaluations: {rate:.0} a second");
}

/// Searches in the default space under a latency budget.
fn constrained(candidates: usize, threads: usize) {
    let place = tempfile::tempdir().unwrap();
    let problem = budgeted(place.path());
    let evaluate = |architecture: &Architecture| Some((architecture.id().0 % 1000) as f64 / 10.0);
    let strategies: [&dyn Strategy; 4] = [
        &RandomSearch,
        &Evolution {
            population: 50,
            sample: 12,
        },
        &Nsga2 { population: 40 },
        &LocalSearch { start: 12 },
    ];
    for strategy in strategies {
        let started = Instant::now();
        let each = candidates / threads;
        let drawn: usize = std::thread::scope(|scope| {
            let searches: Vec<_> = (0..threads)
                .map(|thread| {
                    let (problem, evaluate) = (&problem, &evaluate);
                    scope.spawn(move || search(problem, strategy, each, thread as u64, evaluate))
                })
                .collect();
            searches.into_iter().map(|search| search.join().unwrap()).sum()
        });
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{} in the default space under a budget, {threads} threads: {:.0} candidates drawn a second, {:.0} of them evaluated",
            strategy.name(),
            drawn as f64 / seconds,
            (each * threads) as f64 / seconds
        );
    }
}

/// The default space with half of its typical latency as the budget, on a device with invented latencies.
fn budgeted(folder: &std::path::Path) -> Problem {
    let space = space("mobilenet");
    let device = Device::open("fake").unwrap();
    let mut runtime = mnas_latency::runtimes::open(&device, &Libraries::default()).unwrap();
    let settings = MeasureSettings::quick();
    let mut table = mnas_latency::open_or_create(folder, &device, runtime.as_mut(), &settings).unwrap();
    let networks: Vec<Architecture> = (0..300)
        .map(|index| space.express(&space.sample(&mut stream(0, "bench", index, 0)), 1000))
        .collect();
    let keys: Vec<_> = networks
        .iter()
        .flat_map(|network| network.layers().map(|layer| layer.key))
        .collect();
    let options = ProfileOptions::quick();
    let never = AtomicBool::new(false);
    mnas_latency::profile(
        runtime.as_mut(),
        &mut table,
        keys,
        &networks[..20],
        &options,
        &never,
        &mut |_| {},
    )
    .unwrap();
    drop(table);
    let latency = LatencyModel::load(folder).unwrap();
    let mut latencies: Vec<f64> = networks.iter().map(|one| latency.predict(one).latency.0).collect();
    latencies.sort_by(f64::total_cmp);
    let device = TargetDevice {
        name: "fake".to_owned(),
        latency,
        budget: Some(Milliseconds(latencies[latencies.len() / 2] / 2.0)),
    };
    Problem::new(
        space,
        1000,
        vec![device],
        vec![Metric::Accuracy, Metric::Latency(0)],
        Vec::new(),
    )
}

/// Runs one search until `evaluations` networks within the constraints are evaluated; returns the number of networks drawn.
fn search(
    problem: &Problem,
    strategy: &dyn Strategy,
    evaluations: usize,
    seed: u64,
    accuracy: &dyn Fn(&Architecture) -> Option<f64>,
) -> usize {
    let mut search = strategy.begin(problem);
    let mut rng = stream(seed, "throughput", 0, 0);
    let (mut drawn, mut evaluated) = (0, 0);
    while evaluated < evaluations {
        drawn += 1;
        let genotype = search.prepare(&[]).draw(&mut rng);
        let Ok(proposal) = problem.admit_genotype(&genotype) else {
            continue;
        };
        let observation = Observation {
            id: proposal.architecture.id(),
            accuracy: accuracy(&proposal.architecture),
            genotype,
            costs: proposal.costs,
        };
        search.settle(&observation);
        evaluated += 1;
    }
    drawn
}

//! A study of many trials whose evaluations cost nothing: time and memory of the engine itself, and of opening the study again.
//!
//! `cargo bench -p mnas-engine --bench study -- [TRIALS] [STRATEGY]` prints one figure per line.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::time::Instant;

use mnas_engine::evaluator::{FunctionEvaluator, TrialRequest};
use mnas_engine::problem::{Metric, Problem};
use mnas_engine::study::{RunOptions, Study, StudyConfig, StudyEvent, StudyFolder};
use mnas_space::SearchSpace;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let trials = arguments.first().map_or(100_000, |trials| trials.parse().unwrap());
    let strategy = arguments.get(1).map_or("random", String::as_str);
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("study");
    let space_toml = SearchSpace::embedded("mobilenet").unwrap();
    let space = SearchSpace::from_toml(space_toml).unwrap();
    let config = StudyConfig {
        lookahead: 8,
        ..StudyConfig::for_table("bench", trials, strategy, "none.csv")
    };
    let problem = Problem::new(space, 10, Vec::new(), vec![Metric::Accuracy, Metric::Macs], Vec::new());
    let mut study = Study::create(StudyFolder::create(&root).unwrap(), config, problem, space_toml).unwrap();
    let mut evaluator =
        FunctionEvaluator::new(|trial: &TrialRequest| Ok((trial.architecture.id().0 % 1000) as f64 / 10.0));
    let (start, mut last) = (Instant::now(), Instant::now());
    let mut count = 0_usize;
    let mut observer = |event: &StudyEvent<'_>| {
        if let StudyEvent::Settled { .. } = event {
            count += 1;
            if count.is_multiple_of((trials / 10).max(1)) {
                let per_trial = last.elapsed().as_secs_f64() * 1e6 / (trials / 10).max(1) as f64;
                println!("{count} trials: {per_trial:.0} us a trial lately");
                last = Instant::now();
            }
        }
    };
    study.run(&mut evaluator, RunOptions::default(), &mut observer).unwrap();
    println!("{strategy}, {trials} trials: {:.1} s", start.elapsed().as_secs_f64());
    println!("peak memory: {} MB", peak_memory_mb());
    let size = std::fs::metadata(study.folder().journal()).unwrap().len();
    println!("journal: {:.0} MB", size as f64 / 1e6);
    drop(study);
    let start = Instant::now();
    let study = Study::open(StudyFolder::open(&root).unwrap()).unwrap();
    println!(
        "opened again: {:.2} s, {} trials",
        start.elapsed().as_secs_f64(),
        study.state().trials().len()
    );
    println!("peak memory: {} MB", peak_memory_mb());
}

/// Peak resident memory of this process, where the system reports it.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1000
}

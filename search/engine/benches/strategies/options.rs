//! Arguments of the benchmark.

use std::path::PathBuf;

/// Goal of the strategies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    Accuracy,
    Front,
}

/// Arguments, `NAME=VALUE` each.
#[derive(Debug, Clone)]
pub struct Options {
    pub truths: Vec<String>,
    pub strategies: Vec<String>,
    pub goal: Goal,
    pub seeds: u64,
    pub first_seed: u64,
    pub trials: usize,
    pub lookahead: usize,
    pub threads: usize,
    pub data: PathBuf,
    pub signals: Option<PathBuf>,
}

impl Options {
    pub fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut options = Self {
            truths: vec!["macro".to_owned()],
            strategies: mnas_engine::strategy::StrategyConfig::NAMES.map(str::to_owned).to_vec(),
            goal: Goal::Accuracy,
            seeds: 20,
            first_seed: 0,
            trials: 200,
            lookahead: 1,
            threads: 1,
            data: PathBuf::from("../shared/data"),
            signals: None,
        };
        for argument in arguments.filter(|argument| !argument.starts_with("--")) {
            let (name, value) = argument.split_once('=').expect("NAME=VALUE");
            let list = || value.split(',').map(str::to_owned).collect();
            match name {
                "truth" => options.truths = list(),
                "strategy" => options.strategies = list(),
                "goal" if value == "front" => options.goal = Goal::Front,
                "goal" if value == "accuracy" => options.goal = Goal::Accuracy,
                "seeds" => options.seeds = value.parse().unwrap(),
                "first-seed" => options.first_seed = value.parse().unwrap(),
                "trials" => options.trials = value.parse().unwrap(),
                "lookahead" => options.lookahead = value.parse().unwrap(),
                "threads" => options.threads = value.parse().unwrap(),
                "data" => options.data = PathBuf::from(value),
                "signals" => options.signals = Some(PathBuf::from(value)),
                _ => panic!("unknown argument {argument}"),
            }
        }
        options
    }
}

//! Course of one search on a problem of known accuracies.

use std::collections::HashSet;
use std::time::Instant;

use mnas_engine::strategy::{Observation, StrategyConfig};
use mnas_space::random::stream;

use super::options::{Goal, Options};
use super::truth::Truth;

/// Draws before a proposal is given up.
const DRAWS: usize = 5_000;

/// The course of one search.
pub struct Course {
    /// True accuracy, after each trial, of the network with the best observed accuracy.
    bests: Vec<f64>,
    /// Hypervolume after each trial.
    volumes: Vec<f64>,
    /// Mean time of a proposal.
    pub proposal_ms: f64,
}

impl Course {
    pub fn run(truth: &Truth, strategy: &str, options: &Options, seed: u64) -> Self {
        let strategy = StrategyConfig::named(strategy, options.trials).unwrap().build();
        let mut search = strategy.begin(&truth.problem);
        let mut trials: Vec<Observation> = Vec::new();
        let mut known = HashSet::new();
        let mut absorbed = 0;
        let started = Instant::now();
        while trials.len() < options.trials {
            let needed = (trials.len() + 1).saturating_sub(options.lookahead);
            for trial in &trials[absorbed..needed] {
                search.settle(trial);
            }
            absorbed = needed;
            let pending: Vec<Observation> = trials[needed..]
                .iter()
                .map(|one| Observation {
                    accuracy: None,
                    ..one.clone()
                })
                .collect();
            let mut rng = stream(seed, "propose", trials.len() as u64, 0);
            let mut sampler = search.prepare(&pending);
            let mut draws = (0..DRAWS).filter_map(|_| truth.evaluate(&sampler.draw(&mut rng), &known, seed));
            let Some(trial) = draws.next() else { break };
            known.insert(trial.id);
            trials.push(trial);
            // The search ends once the best network is found.
            if options.goal == Goal::Accuracy && truth.is_best(&trials[trials.len() - 1]) {
                break;
            }
        }
        let proposal_ms = started.elapsed().as_secs_f64() * 1e3 / trials.len().max(1) as f64;
        let points: Vec<[f64; 2]> = trials.iter().map(|one| truth.point(one)).collect();
        let at = [30, 50, 100, 200, options.trials];
        let volume = |count: usize| {
            if at.contains(&count) {
                truth.volume(&points[..count])
            } else {
                0.0
            }
        };
        let mut best = (f64::NEG_INFINITY, 0.0);
        let bests = trials.iter().map(|one| {
            let observed = one.accuracy.unwrap_or(f64::NEG_INFINITY);
            if observed > best.0 {
                best = (observed, truth.accuracy(one));
            }
            best.1
        });
        Self {
            bests: bests.collect(),
            volumes: (1..=trials.len()).map(volume).collect(),
            proposal_ms,
        }
    }

    /// True accuracy, after this number of trials, of the network with the best observed accuracy.
    pub fn best(&self, trials: usize) -> f64 {
        self.bests[trials.min(self.bests.len()) - 1]
    }

    pub fn volume(&self, trials: usize) -> f64 {
        self.volumes[trials.min(self.volumes.len()) - 1]
    }

    /// Number of trials until this accuracy was found.
    pub fn found_at(&self, accuracy: f64) -> Option<usize> {
        self.bests
            .iter()
            .position(|&best| best >= accuracy - 1e-9)
            .map(|index| index + 1)
    }
}

//! The contract of every strategy.

use mnas_space::random::stream;
use mnas_space::{Genotype, SearchSpace};

use super::*;
use crate::problem::{Constraint, Metric, Problem};

/// A problem without devices: accuracy against multiply-adds.
pub(crate) fn problem() -> Problem {
    problem_of("mobilenet-small-images", Vec::new())
}

/// The same in an embedded space, within limits.
pub(crate) fn problem_of(space: &str, limits: Vec<Constraint>) -> Problem {
    let space = SearchSpace::from_toml(SearchSpace::embedded(space).unwrap()).unwrap();
    Problem::new(space, 10, Vec::new(), vec![Metric::Accuracy, Metric::Macs], limits)
}

/// A trial of a genotype.
pub(crate) fn observation(problem: &Problem, genotype: Genotype, accuracy: Option<f64>) -> Observation {
    let proposal = problem.admit_genotype(&genotype).unwrap();
    Observation {
        genotype,
        id: proposal.architecture.id(),
        costs: proposal.costs,
        accuracy,
    }
}

fn every_strategy() -> Vec<Box<dyn Strategy>> {
    StrategyConfig::NAMES
        .iter()
        .map(|name| StrategyConfig::named(name, 60).unwrap().build())
        .collect()
}

/// Accuracy that rewards the sum of all genes: strategies that learn have to climb it.
fn reward(genotype: &Genotype) -> f64 {
    genotype.genes.iter().map(|&gene| f64::from(gene)).sum()
}

/// One trial after the other; one in nine fails.
fn run(problem: &Problem, strategy: &dyn Strategy, trials: usize, seed: u64) -> Vec<Observation> {
    let mut settled: Vec<Observation> = Vec::new();
    let mut search = strategy.begin(problem);
    for trial in 0..trials {
        let genotype = search.prepare(&[]).draw(&mut stream(seed, "test", trial as u64, 0));
        let accuracy = (trial % 9 != 8).then(|| reward(&genotype));
        settled.push(observation(problem, genotype, accuracy));
        search.settle(&settled[trial]);
    }
    settled
}

fn best(history: &[Observation]) -> f64 {
    history.iter().filter_map(|one| one.accuracy).fold(0.0, f64::max)
}

#[test]
fn names_are_those_of_the_command_line() {
    for strategy in every_strategy() {
        let config = StrategyConfig::named(strategy.name(), 10).unwrap();
        assert_eq!(config.name(), strategy.name());
        assert_eq!(config.fault(), None);
    }
    assert_eq!(StrategyConfig::named("guess", 10), None);
}

#[test]
fn draws_are_a_function_of_history_and_stream() {
    let problem = problem();
    for strategy in every_strategy() {
        let settled = run(&problem, strategy.as_ref(), 40, 1);
        for known in [0, 1, 7, 39] {
            let draws = || {
                let mut rng = stream(5, "test", 0, 0);
                let mut search = strategy.begin(&problem);
                settled[..known]
                    .iter()
                    .for_each(|observation| search.settle(observation));
                let mut sampler = search.prepare(&settled[known..]);
                (0..20).map(|_| sampler.draw(&mut rng)).collect::<Vec<_>>()
            };
            assert_eq!(draws(), draws(), "{}", strategy.name());
        }
    }
}

#[test]
fn draws_belong_to_the_space_whatever_the_history() {
    let problem = problem();
    let mut rng = stream(3, "test", 0, 0);
    let failed: Vec<Observation> = (0..30)
        .map(|_| observation(&problem, problem.space.sample(&mut rng), None))
        .collect();
    let equal: Vec<Observation> = (0..30)
        .map(|_| observation(&problem, problem.space.sample(&mut rng), Some(50.0)))
        .collect();
    for strategy in every_strategy() {
        for settled in [&[][..], &failed, &equal] {
            let mut search = strategy.begin(&problem);
            for observation in settled {
                search.settle(observation);
            }
            let mut sampler = search.prepare(&failed[..4]);
            for _ in 0..10 {
                let network = problem.space.express(&sampler.draw(&mut rng), 10);
                assert!(problem.space.contains(&network), "{}: {network}", strategy.name());
            }
        }
    }
}

/// Hypervolume of accuracy against multiply-adds, up to the largest network drawn here.
fn volume(problem: &Problem, history: &[Observation]) -> f64 {
    let points: Vec<Vec<f64>> = history
        .iter()
        .filter_map(|one| problem.point(&one.costs, one.accuracy))
        .collect();
    crate::front::hypervolume(&points, &[0.0, 100e6])
}

#[test]
fn strategies_that_learn_find_more_than_independent_draws() {
    let problem = problem();
    let independent = |seed: u64| -> Vec<Observation> {
        let draws = (0..120).map(|trial| problem.space.sample(&mut stream(seed, "independent", trial, 0)));
        draws
            .map(|genotype| {
                let accuracy = Some(reward(&genotype));
                observation(&problem, genotype, accuracy)
            })
            .collect()
    };
    let drawn: Vec<Vec<Observation>> = (0..10).map(independent).collect();
    for strategy in every_strategy().iter().filter(|strategy| strategy.name() != "random") {
        let wins = (0..10).zip(&drawn).filter(|(seed, drawn)| {
            let learnt = run(&problem, strategy.as_ref(), 120, *seed);
            // Evolution climbs accuracy; the others widen the front.
            if strategy.name() == "evolution" {
                best(&learnt) > best(drawn)
            } else {
                volume(&problem, &learnt) > volume(&problem, drawn)
            }
        });
        let wins = wins.count();
        // NSGA-II's first population and the starts of local search take much of 120 trials: they are at least no worse.
        let least = if ["nsga2", "local"].contains(&strategy.name()) {
            5
        } else {
            9
        };
        assert!(wins >= least, "{}: {wins} of 10", strategy.name());
    }
}

/// Architectures of a search with a fixed seed. A change here changes the course of every study and belongs in the changelog.
#[test]
fn golden_searches_are_reproduced() {
    let problem = problem();
    for strategy in every_strategy() {
        for seed in [0, 1] {
            let history = run(&problem, strategy.as_ref(), 40, seed);
            let last: Vec<String> = history[36..]
                .iter()
                .map(|one| problem.space.express(&one.genotype, 10).to_string())
                .collect();
            insta::assert_snapshot!(format!("{}-seed-{seed}", strategy.name()), last.join("\n"));
        }
    }
}

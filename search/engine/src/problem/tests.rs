use mnas_space::SearchSpace;

use super::*;
use mnas_space::random::stream;

fn problem(name: &str, limits: Vec<Constraint>) -> Problem {
    let space = SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap();
    Problem::new(space, 10, Vec::new(), vec![Metric::Accuracy, Metric::Macs], limits)
}

fn limit(metric: Metric, at_most: f64) -> Constraint {
    Constraint { metric, at_most }
}

const COUNTED: [Metric; 4] = [
    Metric::Macs,
    Metric::Params,
    Metric::FileBytes,
    Metric::PeakActivationBytes,
];

#[test]
fn the_least_network_is_below_every_drawn_one() {
    let problem = problem("mobilenet-small-images", Vec::new());
    let mut rng = stream(0, "test", 0, 0);
    let drawn: Vec<Costs> = (0..400)
        .map(|_| problem.admit_genotype(&problem.space.sample(&mut rng)).unwrap().costs)
        .collect();
    for metric in COUNTED {
        let (genotype, least) = problem.least(metric);
        assert_eq!(problem.space.express(&genotype, 10), least.architecture);
        let value = least.costs.value(metric).unwrap();
        assert!(
            drawn.iter().all(|costs| costs.value(metric).unwrap() >= value),
            "{metric}"
        );
    }
}

#[test]
fn costs_are_those_of_the_architecture() {
    let problem = problem("mobilenet", Vec::new());
    let network = problem
        .space
        .express(&problem.space.sample(&mut stream(1, "test", 0, 0)), 10);
    let (costs, counted) = (problem.costs(&network), network.cost());
    assert_eq!((costs.params, costs.macs), (counted.params, counted.macs));
    assert_eq!(costs.peak_activation_bytes, counted.peak_activation_bytes);
    assert_eq!(costs.file_bytes, 4 * counted.folded_params);
}

#[test]
fn a_network_over_a_bound_is_refused_with_the_constraint_and_its_value() {
    let bound = limit(Metric::Params, 500_000.0);
    let problem = problem("mobilenet-small-images", vec![bound]);
    let mut refused = 0;
    for index in 0..100 {
        let genotype = problem.space.sample(&mut stream(2, "test", index, 0));
        let params = problem.space.express(&genotype, 10).cost().params;
        match problem.admit_genotype(&genotype) {
            Ok(proposal) => assert!(params <= 500_000 && proposal.costs.params == params),
            Err(violation) => {
                refused += 1;
                let value = params as f64;
                assert_eq!(
                    violation,
                    Violation::Constraint {
                        constraint: bound,
                        value
                    }
                );
                assert!(params > 500_000);
            }
        }
    }
    assert!(refused > 10);
}

#[test]
fn unreachable_bounds_are_named_with_the_nearest_value() {
    let limits = vec![limit(Metric::Params, 1e9), limit(Metric::Macs, 10.0)];
    let problem = problem("mobilenet-small-images", limits);
    let found = problem.infeasible();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].constraint, limit(Metric::Macs, 10.0));
    assert!(found[0].least > 10.0);
    assert!((found[0].architecture.cost().macs as f64 - found[0].least).abs() < 0.5);
}

#[test]
fn points_are_to_be_minimised_and_need_every_value() {
    let problem = problem("mobilenet-small-images", Vec::new());
    let (_, least) = problem.least(Metric::Macs);
    let macs = least.costs.macs as f64;
    assert_eq!(problem.point(&least.costs, Some(60.0)), Some(vec![-60.0, macs]));
    assert_eq!(problem.point(&least.costs, None), None);
}

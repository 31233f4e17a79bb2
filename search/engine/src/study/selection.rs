//! Selection of the front and of the best trial.

use std::collections::HashSet;

use super::trial::Trial;
use crate::front::pareto_front;
use crate::problem::{Metric, Problem};

/// The trials that stand for their networks: those that no evaluated trial continues.
pub fn latest(trials: &[Trial]) -> Vec<&Trial> {
    let evaluated = trials.iter().filter(|trial| trial.accuracy().is_some());
    let continued: HashSet<u64> = evaluated.filter_map(|trial| trial.start_from).collect();
    trials
        .iter()
        .filter(|trial| !continued.contains(&trial.number))
        .collect()
}

/// The non-dominated trials that keep every constraint, every network with its longest training.
pub fn front<'a>(problem: &Problem, trials: &'a [Trial]) -> Vec<&'a Trial> {
    let (members, points): (Vec<&Trial>, Vec<Vec<f64>>) = latest(trials)
        .into_iter()
        .filter_map(|trial| {
            let costs = trial.known_costs();
            let point = problem.point(&costs, Some(trial.accuracy()?))?;
            problem.violation(&costs).is_none().then_some((trial, point))
        })
        .unzip();
    let mut found: Vec<usize> = pareto_front(&points);
    let cost = problem.objectives.iter().position(|metric| *metric != Metric::Accuracy);
    if let Some(cost) = cost {
        found.sort_by(|one, other| points[*one][cost].total_cmp(&points[*other][cost]));
    }
    found.into_iter().map(|index| members[index]).collect()
}

/// The most accurate of these trials that keeps every constraint (the one of the highest reward, where there is one), among those
/// of the highest fidelity that has a result.
pub fn best<'a>(problem: &Problem, trials: impl Iterator<Item = &'a Trial>) -> Option<&'a Trial> {
    let latency = |trial: &Trial| trial.known_costs().value(Metric::Latency(0)).unwrap_or(0.0);
    trials
        .filter(|trial| trial.accuracy().is_some_and(|accuracy| !accuracy.is_nan()))
        .filter(|trial| problem.violation(&trial.known_costs()).is_none())
        .min_by(|one, other| {
            let accuracy = |trial: &Trial| {
                let accuracy = trial.accuracy().unwrap_or(f64::NEG_INFINITY);
                problem.value(&trial.known_costs(), accuracy)
            };
            other
                .fidelity
                .cmp(&one.fidelity)
                .then(accuracy(other).total_cmp(&accuracy(one)))
                .then(latency(one).total_cmp(&latency(other)))
                .then(one.number.cmp(&other.number))
        })
}

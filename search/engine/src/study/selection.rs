//! Selection of the front and of the best trial.

use super::trial::Trial;
use crate::front::pareto_front;
use crate::problem::{Metric, Problem};

/// The non-dominated trials that keep every constraint.
pub fn front<'a>(problem: &Problem, trials: &'a [Trial]) -> Vec<&'a Trial> {
    let (members, points): (Vec<&Trial>, Vec<Vec<f64>>) = trials
        .iter()
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

/// The most accurate of these trials that keeps every constraint.
pub fn best<'a>(problem: &Problem, trials: impl Iterator<Item = &'a Trial>) -> Option<&'a Trial> {
    let latency = |trial: &Trial| trial.known_costs().value(Metric::Latency(0)).unwrap_or(0.0);
    trials
        .filter(|trial| trial.accuracy().is_some_and(|accuracy| !accuracy.is_nan()))
        .filter(|trial| problem.violation(&trial.known_costs()).is_none())
        .min_by(|one, other| {
            let accuracy = |trial: &Trial| trial.accuracy().unwrap_or(f64::NEG_INFINITY);
            accuracy(other)
                .total_cmp(&accuracy(one))
                .then(latency(one).total_cmp(&latency(other)))
                .then(one.number.cmp(&other.number))
        })
}

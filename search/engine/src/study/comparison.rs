//! Comparison of candidates with references evaluated by the same recipe.

use std::collections::HashMap;

use super::selection::latest;
use super::trial::Trial;
use super::trial_kind::TrialKind;
use crate::evaluator::Fidelity;
use crate::front::{dominated_share, dominates};
use crate::problem::{Metric, Problem};

/// Comparison of a reference with the candidates of its study.
///
/// Networks are compared on accuracy and the problem's [size metric](Problem::size_metric) (latency on the first device, as
/// measured where it was measured). Only candidates that keep every constraint count, with their accuracies at the
/// fidelity of the reference's longest training.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceComparison {
    /// The reference's trial.
    pub trial: u64,
    /// Its top-1 accuracy in percent.
    pub accuracy: f64,
    /// Its size.
    pub size: f64,
    /// True if it keeps every constraint.
    pub within_budget: bool,
    /// True if some candidate is at least as good in both and better in one.
    pub dominated: bool,
    /// Accuracy of the most accurate candidate that is not larger, less the reference's, in points; `None` where every
    /// candidate is larger.
    pub points: Option<f64>,
    /// Its size less that of the smallest candidate that is at least as accurate; `None` where no candidate is.
    pub saved: Option<f64>,
}

/// Compares every evaluated reference with the candidates, in the order of the trials.
pub fn compare_references(problem: &Problem, trials: &[Trial]) -> Vec<ReferenceComparison> {
    let metric = problem.size_metric();
    let place = |trial: &Trial| {
        let accuracy = trial.accuracy().filter(|accuracy| accuracy.is_finite())?;
        Some((trial.known_costs().value(metric)?, accuracy))
    };
    let keeps = |trial: &&Trial| problem.violation(&trial.known_costs()).is_none();
    let mut candidates: HashMap<Fidelity, Vec<(f64, f64)>> = HashMap::new();
    for trial in trials.iter().filter(|trial| trial.is_candidate()).filter(keeps) {
        candidates.entry(trial.fidelity).or_default().extend(place(trial));
    }
    let references = latest(trials)
        .into_iter()
        .filter(|trial| matches!(trial.kind, TrialKind::Reference { .. }));
    references
        .filter_map(|trial| {
            let (size, accuracy) = place(trial)?;
            let others = candidates.get(&trial.fidelity).map_or(&[][..], Vec::as_slice);
            let beside = Beside::of((size, accuracy), others);
            Some(ReferenceComparison {
                trial: trial.number,
                accuracy,
                size,
                within_budget: keeps(&trial),
                dominated: beside.dominated,
                points: beside.points,
                saved: beside.saved,
            })
        })
        .collect()
}

/// Comparison of one network with others, each a pair of size and accuracy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// True if one of the others is at least as good in both and better in one.
    pub dominated: bool,
    /// Accuracy of the most accurate of the others that is not larger, less the network's.
    pub points: Option<f64>,
    /// Size less that of the smallest of the others that is at least as accurate.
    pub saved: Option<f64>,
}

impl Beside {
    /// Compares a network with others.
    pub fn of((size, accuracy): (f64, f64), others: &[(f64, f64)]) -> Self {
        let minimised = |size: f64, accuracy: f64| [size, -accuracy];
        let one = minimised(size, accuracy);
        let no_larger = others.iter().filter(|(other, _)| *other <= size);
        let as_accurate = others.iter().filter(|(_, other)| *other >= accuracy);
        Self {
            dominated: others.iter().any(|other| dominates(&minimised(other.0, other.1), &one)),
            points: no_larger
                .map(|(_, other)| *other)
                .max_by(f64::total_cmp)
                .map(|best| best - accuracy),
            saved: as_accurate
                .map(|(other, _)| *other)
                .min_by(f64::total_cmp)
                .map(|least| size - least),
        }
    }
}

/// Share of a box that the candidates of a study dominate, with the point that bounds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrontVolume {
    /// Share of the box between no accuracy at the bound of the size and full accuracy at no size, 0 to 1.
    pub share: f64,
    /// Metric of the size.
    pub metric: Metric,
    /// Size of the reference point; its accuracy is 0 %.
    pub size: f64,
}

/// Hypervolume of the candidates that keep every constraint, on accuracy and the size metric, every network with its longest
/// training.
///
/// The reference point has an accuracy of 0 % and the size of the problem's bound; without a bound, that of the largest
/// evaluated network.
pub fn front_volume(problem: &Problem, trials: &[Trial]) -> Option<FrontVolume> {
    let metric = problem.size_metric();
    let size_of = |trial: &Trial| trial.known_costs().value(metric);
    let evaluated = trials.iter().filter(|trial| trial.accuracy().is_some());
    let size = problem
        .bound(metric)
        .or_else(|| evaluated.filter_map(size_of).max_by(f64::total_cmp))?;
    let points: Vec<[f64; 2]> = latest(trials)
        .into_iter()
        .filter(|trial| trial.is_candidate() && problem.violation(&trial.known_costs()).is_none())
        .filter_map(|trial| Some([size_of(trial)?, -trial.accuracy()?]))
        .collect();
    (size > 0.0).then(|| FrontVolume {
        share: dominated_share(&points, size),
        metric,
        size,
    })
}

/// Number of distinct networks evaluated up to and including a trial, in the order of their proposal.
pub fn evaluations_until(trials: &[Trial], trial: u64) -> usize {
    let evaluated = trials
        .iter()
        .take_while(|one| one.number <= trial)
        .filter(|one| one.accuracy().is_some());
    let distinct: std::collections::HashSet<_> = evaluated.map(|one| one.id).collect();
    distinct.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_compared_at_equal_size_and_at_equal_accuracy() {
        let candidates = [(2.0, 50.0), (4.0, 60.0), (8.0, 66.0)];
        let beside = |reference| Beside::of(reference, &candidates);
        assert_eq!(
            beside((5.0, 58.0)),
            Beside {
                dominated: true,
                points: Some(2.0),
                saved: Some(1.0)
            }
        );
        // Ahead of every candidate of its size; a larger one is as accurate.
        assert_eq!(
            beside((5.0, 62.0)),
            Beside {
                dominated: false,
                points: Some(-2.0),
                saved: Some(-3.0)
            }
        );
        // Smaller than every candidate, and more accurate than every candidate.
        assert_eq!(beside((1.0, 40.0)).points, None);
        assert_eq!(beside((9.0, 70.0)).saved, None);
        // An equal network does not dominate.
        assert_eq!(
            beside((4.0, 60.0)),
            Beside {
                dominated: false,
                points: Some(0.0),
                saved: Some(0.0)
            }
        );
    }
}

//! Figures of a running search: the best network so far and the hypervolume of the front.

use mnas_engine::evaluator::Fidelity;
use mnas_engine::front::{Archive, Insertion, dominated_share};
use mnas_engine::problem::{Constraint, Metric, Problem, Quantity, violation};
use mnas_engine::study::Trial;

use crate::report::units;

/// The best network and the front of the trials settled so far, as predicted.
#[derive(Debug, Clone)]
pub struct Live {
    metric: Metric,
    bound: Option<f64>,
    constraints: Vec<Constraint>,
    /// The highest fidelity that has a result: only its trials count.
    fidelity: Fidelity,
    /// Accuracy and size of the most accurate network that keeps every constraint.
    best: Option<(f64, f64)>,
    front: Archive,
    /// Share of the box that the front dominates.
    volume: f64,
    /// True if trials have scores in place of accuracies.
    has_scores: bool,
}

impl Live {
    /// The figures of a study without trials.
    pub fn new(problem: &Problem, has_scores: bool) -> Self {
        let metric = problem.size_metric();
        Self {
            metric,
            bound: problem.bound(metric),
            constraints: problem.constraints().to_vec(),
            fidelity: Fidelity::Epochs(0),
            best: None,
            front: Archive::default(),
            volume: 0.0,
            has_scores,
        }
    }

    /// Adds a settled trial.
    pub fn add(&mut self, trial: &Trial) {
        let costs = trial.known_costs();
        let is_within = violation(&self.constraints, &costs).is_none();
        if let (Some(accuracy), Some(size), true) = (trial.accuracy(), costs.value(self.metric), is_within) {
            if trial.fidelity > self.fidelity {
                self.fidelity = trial.fidelity;
                (self.best, self.front, self.volume) = (None, Archive::default(), 0.0);
            }
            if trial.fidelity < self.fidelity {
                return;
            }
            self.add_point(trial.number, trial.is_candidate(), accuracy, size);
        }
    }

    /// Adds a network that keeps every constraint. References may be the best and are not on the front.
    fn add_point(&mut self, number: u64, is_candidate: bool, accuracy: f64, size: f64) {
        if self.best.is_none_or(|(best, _)| accuracy > best) {
            self.best = Some((accuracy, size));
        }
        let joined = is_candidate && self.front.insert(number, vec![size, -accuracy]) != Insertion::Dominated;
        if let (Some(bound), true) = (self.bound, joined) {
            let points: Vec<&[f64]> = self.front.members().map(|(_, point)| point).collect();
            self.volume = dominated_share(&points, bound);
        }
    }

    /// `best 61.2 % at 8.4 ms, hypervolume 0.412`, or nothing before the first result.
    pub fn text(&self) -> String {
        let Some((accuracy, size)) = self.best else {
            return String::new();
        };
        if self.has_scores {
            return format!("best {} at {}", units::score(accuracy), Quantity(self.metric, size));
        }
        let volume = match self.bound {
            Some(_) => format!(", hypervolume {:.3}", self.volume),
            None => String::new(),
        };
        format!("best {accuracy:.1} % at {}{volume}", Quantity(self.metric, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_may_be_a_reference_and_the_volume_is_of_candidates() {
        let mut live = Live {
            metric: Metric::Latency(0),
            bound: Some(10.0),
            constraints: Vec::new(),
            fidelity: Fidelity::Full,
            best: None,
            front: Archive::default(),
            volume: 0.0,
            has_scores: false,
        };
        assert_eq!(live.text(), "");
        live.add_point(0, false, 70.0, 8.0);
        assert_eq!(live.text(), "best 70.0 % at 8 ms, hypervolume 0.000");
        // Half of the accuracy at half of the budget.
        live.add_point(1, true, 50.0, 5.0);
        assert_eq!(live.text(), "best 70.0 % at 8 ms, hypervolume 0.250");
        live.add_point(2, true, 80.0, 10.0);
        live.add_point(3, true, 40.0, 6.0);
        assert_eq!(live.text(), "best 80.0 % at 10 ms, hypervolume 0.250");
        live.has_scores = true;
        assert_eq!(live.text(), "best score 80.0 at 10 ms");
    }
}

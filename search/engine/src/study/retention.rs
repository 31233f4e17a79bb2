//! Selection of the trials whose weights are kept.

use super::state::StudyState;
use super::trial::Trial;
use crate::evaluator::Fidelity;
use crate::front::{Archive, Insertion};
use crate::problem::Problem;

/// Networks whose weights are kept beside those on the front, the most accurate first: several may break the budget when
/// they are measured.
const SPARES: usize = 6;

/// Tracks the trials whose weights may still be needed: the front and the most accurate networks, candidates and
/// references alike.
#[derive(Debug, Default)]
pub(super) struct Retention {
    front: Archive,
    /// Accuracy or reward, and number, the best first.
    spares: Vec<(f64, u64)>,
}

impl Retention {
    /// State after all settled trials of a study.
    pub fn of(state: &StudyState, problem: &Problem) -> Self {
        let mut retention = Self::default();
        for trial in state.trials() {
            retention.insert(trial, problem);
        }
        retention
    }

    /// Takes a settled trial into account and returns the trials whose weights are not needed any more.
    pub fn insert(&mut self, trial: &Trial, problem: &Problem) -> Vec<u64> {
        let Some(accuracy) = trial.accuracy() else {
            return Vec::new();
        };
        // The longer training of a network takes the place of the shorter one.
        let continued = trial.start_from;
        if trial.fidelity != Fidelity::Full {
            // It may be continued at any time later.
            return Vec::from_iter(continued);
        }
        if !may_be_best(trial, problem) {
            return Vec::from_iter(continued);
        }
        let number = trial.number;
        let mut candidates = vec![number];
        if let Some(point) = problem.point(&trial.costs, Some(accuracy))
            && let Insertion::Joined(left) = self.front.insert(number, point)
        {
            candidates.extend(left);
        }
        let value = problem.value(&trial.costs, accuracy);
        let rank = self.spares.partition_point(|(spare, _)| *spare >= value);
        self.spares.insert(rank, (value, number));
        candidates.extend(
            self.spares
                .split_off(self.spares.len().min(SPARES))
                .into_iter()
                .map(|(_, number)| number),
        );
        candidates.sort_unstable();
        candidates.dedup();
        let is_needed =
            |number: &u64| self.front.contains(*number) || self.spares.iter().any(|(_, spare)| spare == number);
        candidates.retain(|number| !is_needed(number));
        candidates.extend(continued);
        candidates
    }
}

/// Returns true if a trial's network may become the best: it keeps every constraint by prediction. Weights of other trials are
/// not saved.
pub(super) fn may_be_best(trial: &Trial, problem: &Problem) -> bool {
    problem.violation(&trial.costs).is_none()
}

//! Selection of the trials whose weights are kept.

use super::state::{StudyState, Trial};
use crate::front::{Archive, Insertion};
use crate::problem::Problem;

/// Candidates whose weights are kept beside those on the front, the most accurate first: the best may break the budget when
/// it is measured.
const SPARES: usize = 3;

/// Keeps account of the trials whose weights may still be needed: the front and the most accurate candidates.
#[derive(Debug, Default)]
pub(super) struct Retention {
    front: Archive,
    /// Accuracy and number, the most accurate first.
    spares: Vec<(f64, u64)>,
}

impl Retention {
    /// The account after all settled trials of a study.
    pub fn of(state: &StudyState, problem: &Problem) -> Self {
        let mut retention = Self::default();
        for trial in state.candidates() {
            retention.insert(trial, problem);
        }
        retention
    }

    /// Takes a settled trial into account and returns the trials whose weights are not needed any more.
    pub fn insert(&mut self, trial: &Trial, problem: &Problem) -> Vec<u64> {
        let (Some(accuracy), true) = (trial.accuracy(), trial.is_candidate()) else {
            return Vec::new();
        };
        let number = trial.number;
        let mut candidates = vec![number];
        if let Some(point) = problem.point(&trial.costs, Some(accuracy))
            && let Insertion::Joined(left) = self.front.insert(number, point)
        {
            candidates.extend(left);
        }
        let rank = self.spares.partition_point(|(spare, _)| *spare >= accuracy);
        self.spares.insert(rank, (accuracy, number));
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
        candidates
    }
}

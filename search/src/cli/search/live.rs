//! Figures of a running search: the best network so far, the front and its hypervolume.

use mnas_engine::evaluator::Fidelity;
use mnas_engine::front::{Archive, Insertion, dominated_share};
use mnas_engine::problem::{Constraint, Metric, Problem, Quantity, violation};
use mnas_engine::study::Trial;

use super::sketch::{Mark, SketchPoint, sketch};
use crate::report::units;

/// The best network and the front of the trials settled so far, as predicted.
#[derive(Debug, Clone)]
pub struct Live {
    metric: Metric,
    bound: Option<f64>,
    constraints: Vec<Constraint>,
    /// The highest fidelity that has a result: only its trials count.
    fidelity: Fidelity,
    best: Option<LivePoint>,
    /// Networks that keep every constraint, in the order of their results.
    points: Vec<LivePoint>,
    front: Archive,
    /// Share of the box that the front dominates.
    volume: f64,
    /// True if trials have scores in place of accuracies.
    has_scores: bool,
}

/// An evaluated network that keeps every constraint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LivePoint {
    /// Number of the trial.
    pub trial: u64,
    /// True for a candidate, false for a reference.
    pub is_candidate: bool,
    /// Accuracy in percent, or a score.
    pub accuracy: f64,
    /// Value of the metric along which networks of different size are compared.
    pub size: f64,
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
            points: Vec::new(),
            front: Archive::default(),
            volume: 0.0,
            has_scores,
        }
    }

    /// Adds a settled trial, and returns true if the front of candidates or the best network changed.
    pub fn add(&mut self, trial: &Trial) -> bool {
        let costs = trial.known_costs();
        let is_within = violation(&self.constraints, &costs).is_none();
        let (Some(accuracy), Some(size), true) = (trial.accuracy(), costs.value(self.metric), is_within) else {
            return false;
        };
        if trial.fidelity > self.fidelity {
            self.fidelity = trial.fidelity;
            (self.best, self.front, self.volume) = (None, Archive::default(), 0.0);
            self.points.clear();
        }
        if trial.fidelity < self.fidelity {
            return false;
        }
        self.add_point(LivePoint {
            trial: trial.number,
            is_candidate: trial.is_candidate(),
            accuracy,
            size,
        })
    }

    /// Adds a network that keeps every constraint. References may be the best and are not on the front.
    fn add_point(&mut self, point: LivePoint) -> bool {
        let LivePoint { accuracy, size, .. } = point;
        let is_best = self.best.is_none_or(|best| accuracy > best.accuracy);
        if is_best {
            self.best = Some(point);
        }
        self.points.push(point);
        let has_joined =
            point.is_candidate && self.front.insert(point.trial, vec![size, -accuracy]) != Insertion::Dominated;
        if let (Some(bound), true) = (self.bound, has_joined) {
            let points: Vec<&[f64]> = self.front.members().map(|(_, point)| point).collect();
            self.volume = dominated_share(&points, bound);
        }
        is_best || has_joined
    }

    /// The metric along which networks of different size are compared.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The most accurate network, whoever proposed it.
    pub fn best(&self) -> Option<LivePoint> {
        self.best
    }

    /// The non-dominated candidates in ascending order of size.
    pub fn front(&self) -> Vec<LivePoint> {
        let mut front: Vec<LivePoint> = self
            .front
            .members()
            .map(|(trial, point)| LivePoint {
                trial,
                is_candidate: true,
                accuracy: -point[1],
                size: point[0],
            })
            .collect();
        front.sort_by(|one, other| one.size.total_cmp(&other.size));
        front
    }

    /// Share of the box up to the bound that the front dominates; `None` without a bound, and of scores.
    pub fn hypervolume(&self) -> Option<f64> {
        self.bound.filter(|_| !self.has_scores).map(|_| self.volume)
    }

    /// `best 61.2 % at 8.4 ms, hypervolume 0.412`, or nothing before the first result.
    pub fn text(&self) -> String {
        let Some(LivePoint { accuracy, size, .. }) = self.best else {
            return String::new();
        };
        let volume = self
            .hypervolume()
            .map_or_else(String::new, |volume| format!(", hypervolume {volume:.3}"));
        let accuracy = if self.has_scores {
            units::score(accuracy)
        } else {
            format!("{accuracy:.1} %")
        };
        format!("best {accuracy} at {}{volume}", Quantity(self.metric, size))
    }

    /// The front with other candidates and references as a few lines of at most `width` columns.
    pub fn sketch(&self, width: usize) -> Vec<String> {
        let points: Vec<SketchPoint> = self
            .points
            .iter()
            .map(|point| SketchPoint {
                size: point.size,
                accuracy: point.accuracy,
                mark: match point.is_candidate {
                    true if self.front.contains(point.trial) => Mark::Front,
                    true => Mark::Candidate,
                    false => Mark::Reference,
                },
            })
            .collect();
        let accuracy = |value: f64| {
            if self.has_scores {
                units::significant(value)
            } else {
                format!("{value:.1} %")
            }
        };
        sketch(
            &points,
            self.bound,
            (&|value| Quantity(self.metric, value).to_string(), &accuracy),
            width,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Live {
        Live {
            metric: Metric::Latency(0),
            bound: Some(10.0),
            constraints: Vec::new(),
            fidelity: Fidelity::Full,
            best: None,
            points: Vec::new(),
            front: Archive::default(),
            volume: 0.0,
            has_scores: false,
        }
    }

    fn point(trial: u64, is_candidate: bool, accuracy: f64, size: f64) -> LivePoint {
        LivePoint {
            trial,
            is_candidate,
            accuracy,
            size,
        }
    }

    #[test]
    fn the_best_may_be_a_reference_and_the_volume_is_of_candidates() {
        let mut live = live();
        assert_eq!(live.text(), "");
        assert!(live.add_point(point(0, false, 70.0, 8.0)));
        assert_eq!(live.text(), "best 70.0 % at 8 ms, hypervolume 0.000");
        // Half of the accuracy at half of the budget.
        assert!(live.add_point(point(1, true, 50.0, 5.0)));
        assert_eq!(live.text(), "best 70.0 % at 8 ms, hypervolume 0.250");
        assert!(live.add_point(point(2, true, 80.0, 10.0)));
        assert!(!live.add_point(point(3, true, 40.0, 6.0)));
        assert_eq!(live.text(), "best 80.0 % at 10 ms, hypervolume 0.250");
        assert_eq!(live.front().iter().map(|point| point.trial).collect::<Vec<_>>(), [1, 2]);
        live.has_scores = true;
        assert_eq!(live.text(), "best score 80.0 at 10 ms");
        assert_eq!(live.hypervolume(), None);
    }

    #[test]
    fn the_sketch_shows_all_three_kinds() {
        let mut live = live();
        live.add_point(point(0, false, 60.0, 8.0));
        live.add_point(point(1, true, 50.0, 5.0));
        live.add_point(point(2, true, 80.0, 10.0));
        live.add_point(point(3, true, 65.0, 10.0));
        let text = live.sketch(50).join("\n");
        for mark in ['●', '◆', '·'] {
            assert!(text.contains(mark), "{mark}: {text}");
        }
        assert!(text.contains("80.0 %") && text.contains("10 ms"), "{text}");
    }
}

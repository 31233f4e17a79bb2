//! The expected gain of evaluating a network.

use crate::front::hypervolume;
use crate::regression::Belief;
use crate::regression::normal::{expected_excess, expected_shortfall_of_exponential};

/// The least error in percent: keeps the logarithm finite where every image is classified correctly.
const LEAST_ERROR: f64 = 0.01;

/// The value that the regression predicts for an accuracy in percent: `-ln(100 - accuracy)`.
pub(super) fn target(accuracy: f64) -> f64 {
    -(100.0 - accuracy).max(LEAST_ERROR).ln()
}

/// The accuracy in percent of a value.
pub(super) fn accuracy_of(target: f64) -> f64 {
    100.0 - error(target)
}

/// The error in percent of a value.
fn error(target: f64) -> f64 {
    (-target).exp()
}

/// Expected gain of evaluating networks.
///
/// A study judges networks by their results, so that gains are those of results, noise included: a value that one evaluation
/// finds is an improvement even where another seed would not repeat it. It also keeps the search from evaluating networks
/// of uncertain but low value once the uncertainty that is left is no greater than the noise.
#[derive(Debug, Clone)]
pub(super) enum Acquisition {
    /// Expected improvement of the value (Jones, Schonlau and Welch, 1998) over the best known.
    Accuracy {
        /// The best value.
        best: f64,
    },
    /// Expected improvement of the value over the one at which the network, whose costs are known, would have the best known
    /// reward.
    Reward {
        /// The best reward.
        best: f64,
    },
    /// Expected improvement of the hypervolume of accuracy and costs.
    Front(Front),
}

/// Known networks as points of error and costs.
///
/// Costs of a candidate are exact and only its error is uncertain, so that the expected improvement of the hypervolume
/// (Emmerich, 2005) is a sum over the known errors: between two of them the region that the candidate alone dominates grows
/// by a constant area of costs for each point of error.
#[derive(Debug, Clone)]
pub(super) struct Front {
    /// Errors and costs of the front's members, the largest error first.
    members: Vec<(f64, Vec<f64>)>,
    /// Error and costs that bound the hypervolume.
    bounds: (f64, Vec<f64>),
}

impl Front {
    /// The front of networks of known value and costs, to be minimised.
    pub fn new(known: &[(f64, Vec<f64>)], cost_bounds: Vec<f64>) -> Self {
        let points: Vec<Vec<f64>> = known
            .iter()
            .map(|(value, costs)| std::iter::once(error(*value)).chain(costs.iter().copied()).collect())
            .collect();
        let mut members: Vec<(f64, Vec<f64>)> = crate::front::pareto_front(&points)
            .into_iter()
            .map(|index| (points[index][0], known[index].1.clone()))
            .collect();
        members.sort_by(|one, other| other.0.total_cmp(&one.0));
        let worst = points.iter().map(|point| point[0]).fold(f64::NEG_INFINITY, f64::max);
        Self {
            members,
            bounds: (if worst.is_finite() { worst } else { 100.0 }, cost_bounds),
        }
    }

    fn gain(&self, belief: Belief, costs: &[f64]) -> f64 {
        if costs.iter().zip(&self.bounds.1).any(|(cost, bound)| cost >= bound) {
            return 0.0;
        }
        let shortfall = |error: f64| expected_shortfall_of_exponential(-belief.mean, belief.observed_deviation, error);
        let mut gain = 0.0;
        let mut above = shortfall(self.bounds.0);
        // From the error bound downwards: for errors above a member's error, the members of larger errors no longer count.
        for (index, (error, _)) in self.members.iter().enumerate() {
            let below = shortfall(*error);
            gain += self.area(costs, index) * (above - below);
            above = below;
        }
        gain + self.area(costs, self.members.len()) * above
    }

    /// Area of costs that a network of these costs dominates, and no member from `first` on does.
    fn area(&self, costs: &[f64], first: usize) -> f64 {
        let bounds = &self.bounds.1;
        let whole: f64 = costs.iter().zip(bounds).map(|(cost, bound)| bound - cost).product();
        let members = self.members[first..].iter();
        if let ([cost], [bound]) = (costs, bounds.as_slice()) {
            return members
                .fold(whole, |area, (_, known)| area.min(known[0].min(*bound) - cost))
                .max(0.0);
        }
        let limited: Vec<Vec<f64>> = members
            .map(|(_, known)| known.iter().zip(costs).map(|(known, cost)| known.max(*cost)).collect())
            .collect();
        whole - hypervolume(&limited, bounds)
    }
}

impl Acquisition {
    /// The expected gain of a network whose accuracy counts with this factor in the reward.
    pub fn gain(&self, belief: Belief, factor: f64, costs: &[f64]) -> f64 {
        match self {
            Self::Reward { best } => {
                let wanted = target(best / factor);
                expected_excess(belief.mean, belief.observed_deviation, wanted)
            }
            Self::Accuracy { best } => expected_excess(belief.mean, belief.observed_deviation, *best),
            Self::Front(front) => front.gain(belief, costs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_of_a_front_is_the_mean_improvement_of_its_hypervolume() {
        let value = |accuracy: f64| target(accuracy);
        for dimensions in 1..4_usize {
            let costs = |first: f64| {
                (0..dimensions)
                    .map(|at| if at == 0 { first } else { 6.0 - first })
                    .collect::<Vec<_>>()
            };
            let known: Vec<(f64, Vec<f64>)> = [(60.0, 1.0), (70.0, 2.0), (80.0, 4.0), (65.0, 3.0)]
                .map(|(accuracy, cost)| (value(accuracy), costs(cost)))
                .into();
            let bounds = vec![7.0; dimensions];
            let front = Front::new(&known, bounds.clone());
            let point = |value: f64, costs: &[f64]| {
                std::iter::once(error(value))
                    .chain(costs.iter().copied())
                    .collect::<Vec<_>>()
            };
            let points: Vec<Vec<f64>> = known.iter().map(|(value, costs)| point(*value, costs)).collect();
            let reference = point(value(60.0), &bounds);
            let before = hypervolume(&points, &reference);
            for (mean, cost) in [(75.0, 3.5), (85.0, 5.0), (62.0, 0.5), (70.0, 3.0)] {
                let belief = Belief {
                    mean: value(mean),
                    deviation: 0.2,
                    observed_deviation: 0.3,
                };
                let step = 0.01;
                let mut expected = 0.0;
                for index in -500..500 {
                    let z = (f64::from(index) + 0.5) * step;
                    let mut grown = points.clone();
                    grown.push(point(belief.mean + belief.observed_deviation * z, &costs(cost)));
                    expected +=
                        step * crate::regression::normal::density(z) * (hypervolume(&grown, &reference) - before);
                }
                let gain = front.gain(belief, &costs(cost));
                assert!(
                    (gain - expected).abs() < 1e-3 * (1.0 + expected),
                    "{dimensions} {gain} {expected}"
                );
            }
        }
    }
}

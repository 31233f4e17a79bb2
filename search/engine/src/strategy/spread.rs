//! Draws spread over the sizes that a problem admits.

use mnas_space::{Architecture, BlockKey, Cost, Genotype};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::problem::{Costs, CostsOnDemand, Metric, Problem, Proposal};
use mnas_space::random::stream;

/// Networks drawn for one target.
const DRAWS: usize = 4;

/// Mutations that lead the best of them towards the target.
const STEPS: usize = 32;

/// Distance from the target, as a share of the range of sizes, that is near enough.
const NEAR: f64 = 0.04;

/// Weight of the share by which a network exceeds a bound.
const EXCESS: f64 = 10.0;

/// Mutations in the search for the largest network.
const CLIMB: usize = 3_000;

/// Draws networks whose sizes are spread evenly, on a logarithmic scale, between the least network of a problem and the
/// bound on the size, or the largest network where there is none.
///
/// Independent draws of all decisions have nearly the same size: of a space with sizes over two orders of magnitude, most
/// lie within a factor of three, and few near a budget. Here a size is drawn first; the nearest of a few draws then walks
/// towards it.
#[derive(Debug)]
pub(super) struct Spread<'a> {
    problem: &'a Problem,
    metric: Metric,
    /// Logarithms of the least and the largest size.
    range: (f64, f64),
}

impl<'a> Spread<'a> {
    pub fn new(problem: &'a Problem) -> Self {
        let metric = problem.size_metric();
        let size = |costs: &Costs| costs.value(metric).unwrap_or(0.0);
        let least = size(&problem.least(metric).1.costs);
        let unbounded = || size(&problem.costs(&problem.space.express(&most(problem, metric), problem.classes)));
        let largest = problem.size_limit().unwrap_or_else(unbounded);
        let logarithm = |size: f64| size.max(f64::MIN_POSITIVE).ln();
        Self {
            problem,
            metric,
            range: (logarithm(least), logarithm(largest.max(least))),
        }
    }

    /// The largest size, in the unit of the problem's size metric.
    pub fn largest_size(&self) -> f64 {
        self.range.1.exp()
    }

    /// A network near a size that is drawn.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> Genotype {
        let (low, high) = self.range;
        let target = low + (high - low) * rng.random::<f64>();
        self.draw_near(target, rng)
    }

    fn draw_near(&self, target: f64, rng: &mut ChaCha8Rng) -> Genotype {
        let near = NEAR * (self.range.1 - self.range.0);
        let space = &self.problem.space;
        let mut best = space.sample(rng);
        // Memory of the network at hand: most of the time of a draw would go to allocations.
        let mut network = space.express(&best, self.problem.classes);
        let mut distance = self.distance(&network, target);
        let mut next = best.clone();
        for step in 1..DRAWS + STEPS {
            if distance <= near {
                break;
            }
            if step < DRAWS {
                space.sample_into(&mut next, rng);
            } else {
                next.clone_from(&best);
                space.mutate_in_place(&mut next, rng);
            }
            space.express_into(&next, self.problem.classes, &mut network);
            let other = self.distance(&network, target);
            if other < distance {
                std::mem::swap(&mut best, &mut next);
                distance = other;
            }
        }
        best
    }

    /// Distance of a network's size from a target on the logarithmic scale, with a penalty for broken constraints.
    fn distance(&self, architecture: &Architecture, target: f64) -> f64 {
        let mut costs = CostsOnDemand::new(self.problem, architecture);
        let size = costs.value(self.metric).unwrap_or(0.0);
        // The share by which each bound is exceeded, on a logarithmic scale.
        let excess = self.problem.constraints().iter().map(|constraint| {
            let value = if constraint.metric == self.metric {
                size
            } else {
                costs.value(constraint.metric).unwrap_or(0.0)
            };
            (value / constraint.at_most).ln().max(0.0)
        });
        let excess: f64 = excess.sum();
        (size.max(f64::MIN_POSITIVE).ln() - target).abs() + EXCESS * excess
    }

    /// The largest network found that keeps every constraint.
    pub fn largest(&self) -> Option<Genotype> {
        let most = most(self.problem, self.metric);
        let is_within = |proposal: &Proposal| {
            let limit = self.problem.size_limit();
            limit.is_none_or(|limit| proposal.costs.value(self.metric).is_some_and(|size| size <= limit))
        };
        if self
            .problem
            .admit_genotype(&most)
            .is_ok_and(|proposal| is_within(&proposal))
        {
            return Some(most);
        }
        let mut rng = stream(0, "largest", 0, 0);
        let mut here = self.draw_near(self.range.1, &mut rng);
        let express = |genotype: &Genotype| self.problem.space.express(genotype, self.problem.classes);
        let mut distance = self.distance(&express(&here), self.range.1);
        for step in 0..CLIMB {
            let mut next = self.problem.space.mutate(&here, &mut rng);
            if step % 2 == 1 {
                next = self.problem.space.mutate(&next, &mut rng);
            }
            let other = self.distance(&express(&next), self.range.1);
            if other < distance {
                (here, distance) = (next, other);
            }
        }
        self.problem.admit_genotype(&here).is_ok().then_some(here)
    }
}

/// The network of the space with the largest value of a metric, whatever the problem's constraints.
fn most(problem: &Problem, metric: Metric) -> Genotype {
    let size = |key: &BlockKey| match metric {
        Metric::Latency(device) => problem.devices[device].latency.layer_share_ms(key),
        Metric::Params => Cost::of(&key.graph()).params as f64,
        Metric::FileBytes => Cost::of(&key.graph()).folded_params as f64,
        Metric::PeakActivationBytes => Cost::of(&key.graph()).peak_activation_bytes as f64,
        Metric::Macs | Metric::Accuracy => Cost::of(&key.graph()).macs as f64,
    };
    problem.space.cheapest(problem.classes, &mut |key| -size(key)).genotype
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Constraint;
    use crate::strategy::tests::problem_of;

    /// Shares of draws in four equal parts of the range of sizes.
    fn quarters(problem: &Problem, mut draw: impl FnMut(&mut ChaCha8Rng) -> Genotype) -> [f64; 4] {
        let spread = Spread::new(problem);
        let (low, high) = spread.range;
        let mut rng = stream(1, "test", 0, 0);
        let mut shares = [0.0; 4];
        for _ in 0..400 {
            let costs = problem.costs(&problem.space.express(&draw(&mut rng), problem.classes));
            let size = costs.value(spread.metric).unwrap().ln();
            let quarter = (4.0 * (size - low) / (high - low)) as usize;
            shares[quarter.min(3)] += 1.0 / 400.0;
        }
        shares
    }

    #[test]
    fn draws_are_spread_over_the_sizes_up_to_the_bound() {
        for (name, bound) in [("mobilenet", 60e6), ("mobilenet-small-images", 8e6), ("tiny", 10e6)] {
            let limit = Constraint {
                metric: Metric::Macs,
                at_most: bound,
            };
            let problem = problem_of(name, vec![limit]);
            let spread = Spread::new(&problem);
            let shares = quarters(&problem, |rng| spread.draw(rng));
            // Independent draws leave the lowest quarter of `tiny` empty: its least networks are few.
            assert!(
                shares.iter().all(|share| (0.03..0.45).contains(share)),
                "{name}: {shares:?}"
            );
            let largest = problem.admit_genotype(&spread.largest().unwrap()).unwrap();
            assert!(
                largest.costs.macs as f64 > 0.97 * bound,
                "{name}: {}",
                largest.costs.macs
            );
        }
    }

    #[test]
    fn no_network_is_larger_than_the_largest() {
        for name in ["nas-bench-macro", "mobilenet"] {
            let problem = problem_of(name, Vec::new());
            let macs = |genotype: &Genotype| problem.costs(&problem.space.express(genotype, problem.classes)).macs;
            let largest = Spread::new(&problem).largest().unwrap();
            let mut rng = stream(2, "test", 0, 0);
            for _ in 0..400 {
                assert!(macs(&problem.space.mutate(&largest, &mut rng)) <= macs(&largest));
                assert!(macs(&problem.space.sample(&mut rng)) <= macs(&largest));
            }
        }
    }
}

//! Pairs of constraints that networks keep one at a time and not together.

use mnas_space::random::stream;
use mnas_space::{Architecture, BlockKey, Cost, Genotype};

use crate::problem::{Constraint, Costs, Metric, Problem};

/// Weightings of two constraints under which the cheapest network is looked at.
const WEIGHTINGS: u32 = 16;

/// Mutations of a walk that keeps one constraint and approaches the other.
const STEPS: usize = 2_000;

/// Two constraints that no network was found to keep together.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// Each of the two, with the network nearest to it among those that keep the other.
    pub sides: [Side; 2],
}

/// One of two contradicting constraints.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// The constraint.
    pub constraint: Constraint,
    /// Least value found among networks that keep the other constraint.
    pub nearest: f64,
    /// Network that has it.
    pub architecture: Architecture,
}

/// A network with its costs.
#[derive(Debug, Clone)]
struct Seen {
    genotype: Genotype,
    architecture: Architecture,
    costs: Costs,
}

/// The first pair of a problem's constraints that no network was found to keep together; each has to be reachable alone, which
/// [`Problem::infeasible`] finds out.
///
/// The cheapest networks by weighted sums of the two metrics are exact where these are sums over layers; walks of mutations from the
/// nearest of them look between these. A problem without a contradicting pair may still have no network that keeps three constraints.
pub fn find_contradiction(problem: &Problem) -> Option<Contradiction> {
    let constraints = problem.constraints();
    let pairs = constraints.iter().enumerate().flat_map(|(index, one)| {
        let others = constraints[index + 1..].iter();
        others.map(move |other| [*one, *other])
    });
    pairs
        .filter(|[one, other]| one.metric != other.metric)
        .find_map(|pair| contradiction_of(problem, pair))
}

/// The contradiction of two constraints; `None` where a network keeps both.
fn contradiction_of(problem: &Problem, pair: [Constraint; 2]) -> Option<Contradiction> {
    let mut seen: Vec<Seen> = pair
        .iter()
        .map(|constraint| Seen::of(problem, problem.least(constraint.metric).0))
        .collect();
    if seen.iter().any(|network| network.keeps_both(problem, pair)) {
        return None;
    }
    for step in 1..WEIGHTINGS {
        let weight = f64::from(step) / f64::from(WEIGHTINGS);
        let mut cost =
            |key: &BlockKey| (1.0 - weight) * share(problem, pair[0], key) + weight * share(problem, pair[1], key);
        let cheapest = problem.space.cheapest(problem.classes, &mut cost);
        seen.push(Seen::of(problem, cheapest.genotype));
        if seen.last().is_some_and(|network| network.keeps_both(problem, pair)) {
            return None;
        }
    }
    let first = approach(problem, &seen, pair[1], pair[0])?;
    let second = approach(problem, &seen, pair[0], pair[1])?;
    let is_kept = |side: &Side| side.nearest <= side.constraint.at_most;
    (!is_kept(&first) && !is_kept(&second)).then_some(Contradiction { sides: [first, second] })
}

/// The nearest network to `target` that keeps `kept`, by a walk from the nearest of those seen; `None` where none of them keeps it.
fn approach(problem: &Problem, seen: &[Seen], kept: Constraint, target: Constraint) -> Option<Side> {
    let value = |network: &Seen| network.value(target.metric);
    let keeps = |network: &&Seen| network.keeps(kept) && problem.space.admits(&network.architecture);
    let nearest = seen
        .iter()
        .filter(keeps)
        .min_by(|one, other| value(one).total_cmp(&value(other)));
    let mut here = nearest?.clone();
    let mut rng = stream(0, "contradiction", 0, 0);
    for _ in 0..STEPS {
        if value(&here) <= target.at_most {
            break;
        }
        let next = Seen::of(problem, problem.space.mutate(&here.genotype, &mut rng));
        if keeps(&&next) && value(&next) <= value(&here) {
            here = next;
        }
    }
    Some(Side {
        constraint: target,
        nearest: value(&here),
        architecture: here.architecture,
    })
}

/// Part of a layer in the sum that a constraint bounds, as a share of the bound. A peak is no sum: layers above the bound cost far more
/// than all others.
fn share(problem: &Problem, constraint: Constraint, key: &BlockKey) -> f64 {
    let cost = || Cost::of(&key.graph());
    let bound = constraint.at_most.max(f64::MIN_POSITIVE);
    match constraint.metric {
        Metric::Latency(device) => problem.devices[device].latency.layer_share_ms(key) / bound,
        Metric::Macs => cost().macs as f64 / bound,
        Metric::Params => cost().params as f64 / bound,
        Metric::FileBytes => cost().folded_params as f64 / bound,
        Metric::PeakActivationBytes if cost().peak_activation_bytes as f64 > bound => 1e6,
        Metric::PeakActivationBytes | Metric::Accuracy => 0.0,
    }
}

impl Seen {
    fn of(problem: &Problem, genotype: Genotype) -> Self {
        let architecture = problem.space.express(&genotype, problem.classes);
        Self {
            costs: problem.costs(&architecture),
            genotype,
            architecture,
        }
    }

    fn value(&self, metric: Metric) -> f64 {
        self.costs.value(metric).unwrap_or(f64::INFINITY)
    }

    fn keeps(&self, constraint: Constraint) -> bool {
        self.value(constraint.metric) <= constraint.at_most
    }

    fn keeps_both(&self, problem: &Problem, pair: [Constraint; 2]) -> bool {
        pair.iter().all(|constraint| self.keeps(*constraint)) && problem.space.admits(&self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnas_space::SearchSpace;

    /// Networks that are either small and slow, or large and fast.
    const SPACE: &str = include_str!("../../../tests/spaces/two-kinds.toml");

    fn problem(max_params: f64, max_macs: f64) -> Problem {
        let limit = |metric, at_most| Constraint { metric, at_most };
        let limits = vec![limit(Metric::Params, max_params), limit(Metric::Macs, max_macs)];
        let objectives = vec![Metric::Accuracy, Metric::Macs];
        Problem::new(
            SearchSpace::from_toml(SPACE).unwrap(),
            10,
            Vec::new(),
            objectives,
            limits,
        )
    }

    #[test]
    fn a_contradicting_pair_is_named_with_the_nearest_values() {
        let unlimited = problem(1e9, 1e9);
        let least = |metric| unlimited.least(metric).1.costs;
        let (small, fast) = (least(Metric::Params), least(Metric::Macs));
        let (params, macs) = (small.value(Metric::Params).unwrap(), fast.value(Metric::Macs).unwrap());
        assert!(find_contradiction(&unlimited).is_none());
        let tight = problem(params * 1.1, macs * 1.1);
        assert!(tight.infeasible().is_empty());
        let found = find_contradiction(&tight).unwrap();
        assert_eq!(found.sides[0].constraint.metric, Metric::Params);
        // Exact here: the least of the other kind.
        assert_eq!(Some(found.sides[0].nearest), fast.value(Metric::Params));
        assert_eq!(Some(found.sides[1].nearest), small.value(Metric::Macs));
        // What it calls reachable is.
        let raised = problem(found.sides[0].nearest, macs * 1.1);
        assert!(find_contradiction(&raised).is_none());
    }
}

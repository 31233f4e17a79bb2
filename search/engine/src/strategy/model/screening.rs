//! Choice among the candidates of the greatest gain by signals of forward passes.
//!
//! A signal costs far more than a prediction and far less than an evaluation: the regression on the choices alone selects the networks
//! whose signals are measured, and a second one, which has the signals among its inputs, ranks these. The slopes of its signals follow from
//! the study's own results: a signal that does not rank the networks of a space loses its influence.

use std::collections::HashSet;

use mnas_space::{Architecture, ArchitectureId, Genotype};
use rand_chacha::ChaCha8Rng;

use super::candidate::PooledCandidate;
use super::candidates::Candidates;
use super::guided::Guided;
use super::samplers::{BestFirst, ascending, sort};
use crate::regression::{GaussianProcess, Sample};
use crate::strategy::Observation;

/// Candidates of the greatest gain whose signals are measured for a proposal.
const PROMISING: usize = 12;

/// Others, drawn at random: the regression on the choices alone may be wrong about them.
const OTHERS: usize = 12;

/// The best of them whose neighbours are measured too, and pairs of neighbours of each.
const CLIMBERS: usize = 3;
const PAIRS: usize = 2;

/// The regression that has signals among its inputs.
pub(super) struct Screening<'s, 'a> {
    search: &'s Guided<'a>,
    process: GaussianProcess,
    /// Values in place of those that are not defined.
    typical: Vec<f64>,
}

impl<'s, 'a> Screening<'s, 'a> {
    /// The regression of a search; `None` without signals, or without observations that have them.
    pub fn new(search: &'s Guided<'a>, pending: &[Observation], samples: &[Sample]) -> Option<Self> {
        search.problem.signals()?;
        let typical = search.typical_signals()?;
        let networks: Vec<Architecture> = pending.iter().map(|one| search.express(&one.genotype)).collect();
        let signals = search.measure(&networks);
        let pending = samples.iter().zip(signals);
        let pending: Vec<Sample> = pending
            .map(|(sample, signals)| extended(sample, signals.as_deref(), &typical))
            .collect();
        Some(Self {
            process: search.process_by_signals(&typical, &pending)?,
            search,
            typical,
        })
    }

    /// Genotypes in ascending order of gain: candidates with measured signals after all others.
    pub fn rank(
        &self,
        sampler: &BestFirst<'_, '_>,
        mut ranked: Vec<(f64, PooledCandidate)>,
        pending: &[ArchitectureId],
        rng: &mut ChaCha8Rng,
    ) -> Vec<Genotype> {
        sort(&mut ranked);
        let mut chosen = ranked.split_off(ranked.len().saturating_sub(PROMISING));
        let others = rand::seq::index::sample(rng, ranked.len(), OTHERS.min(ranked.len()));
        let mut others = others.into_vec();
        others.sort_unstable_by(|one, other| other.cmp(one));
        chosen.extend(others.into_iter().map(|index| ranked.remove(index)));
        let mut screened = self.judge(sampler, chosen.into_iter().map(|(_, candidate)| candidate).collect());
        sort(&mut screened);
        let seen: HashSet<ArchitectureId> = screened.iter().map(|(_, one)| one.id).collect();
        let mut candidates = Candidates::new(self.search, pending.iter().copied().chain(seen));
        for (_, best) in screened.iter().rev().take(CLIMBERS) {
            candidates.add_neighbours(&best.genotype, PAIRS, rng);
        }
        screened.extend(self.judge(sampler, candidates.found));
        let mut order = ascending(ranked);
        order.extend(ascending(screened));
        order
    }

    /// Candidates with their gains by the regression that knows their signals.
    fn judge(&self, sampler: &BestFirst<'_, '_>, mut candidates: Vec<PooledCandidate>) -> Vec<(f64, PooledCandidate)> {
        let networks: Vec<Architecture> = candidates
            .iter()
            .map(|one| self.search.express(&one.genotype))
            .collect();
        let signals = self.search.measure(&networks);
        for (candidate, signals) in candidates.iter_mut().zip(signals) {
            candidate.sample = extended(&candidate.sample, signals.as_deref(), &self.typical);
        }
        sampler.with_gains(&self.process, candidates)
    }
}

/// A network as input of the regression with its signals as further columns.
pub(super) fn extended(sample: &Sample, signals: Option<&[f64]>, typical: &[f64]) -> Sample {
    let mut extended = sample.clone();
    extended.columns.extend(signals.unwrap_or(typical));
    extended
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mnas_space::random::stream;

    use super::*;
    use crate::problem::{Constraint, Metric, Problem};
    use crate::ranking::SignalSource;
    use crate::strategy::tests::{observation, problem_of};
    use crate::strategy::{Strategy, StrategyConfig};

    /// A signal of a network; every seventh network has none.
    #[derive(Debug)]
    struct Source(fn(&Architecture) -> f64);

    impl SignalSource for Source {
        fn measure(&self, networks: &[Architecture]) -> Vec<Option<Vec<f64>>> {
            let measure = |network: &Architecture| (!network.id().0.is_multiple_of(7)).then(|| vec![(self.0)(network)]);
            networks.iter().map(measure).collect()
        }
    }

    /// A number of 0 to 1 that no regression learns from the choices.
    fn hidden(network: &Architecture) -> f64 {
        (network.id().0 / 8 % 1009) as f64 / 1009.0
    }

    fn unlearnable(network: &Architecture) -> f64 {
        40.0 + 30.0 * hidden(network)
    }

    fn learnable(network: &Architecture) -> f64 {
        (network.cost().params as f64).ln() * 4.0
    }

    /// Mean accuracy of the last 10 of 30 trials within a limit, over five seeds.
    fn late_accuracy(accuracy: fn(&Architecture) -> f64, signal: Option<fn(&Architecture) -> f64>) -> f64 {
        let limit = Constraint {
            metric: Metric::Macs,
            at_most: 8e6,
        };
        let run = |seed: u64| {
            let problem: Problem = problem_of("mobilenet-small-images", vec![limit]);
            if let Some(signal) = signal {
                problem.set_signals(Arc::new(Source(signal)));
            }
            let strategy: Box<dyn Strategy> = StrategyConfig::model().build();
            let mut search = strategy.begin(&problem);
            let mut late = 0.0;
            for trial in 0..30 {
                let mut rng = stream(seed, "test", trial, 0);
                let mut sampler = search.prepare(&[]);
                let found = std::iter::repeat_with(|| sampler.draw(&mut rng))
                    .find(|genotype| problem.admit_genotype(genotype).is_ok())
                    .unwrap();
                drop(sampler);
                let accuracy = accuracy(&problem.space.express(&found, 10));
                search.settle(&observation(&problem, found, Some(accuracy)));
                if trial >= 20 {
                    late += accuracy / 10.0;
                }
            }
            late
        };
        (0..5).map(run).sum::<f64>() / 5.0
    }

    #[test]
    fn a_signal_of_accuracy_finds_what_choices_do_not_say() {
        let (without, with) = (
            late_accuracy(unlearnable, None),
            late_accuracy(unlearnable, Some(hidden)),
        );
        assert!(with > without + 5.0, "{with} {without}");
    }

    #[test]
    fn a_signal_of_nothing_does_no_harm() {
        let (without, with) = (late_accuracy(learnable, None), late_accuracy(learnable, Some(hidden)));
        assert!(with > without - 0.3, "{with} {without}");
    }
}

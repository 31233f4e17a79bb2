//! State of the model-guided search: known results and their regression.

use std::collections::HashSet;

use mnas_space::{Architecture, ArchitectureId, Genotype};

use super::acquisition::{Acquisition, Front, accuracy_of};
use super::candidate::PooledCandidate;
use super::regressor::Regressor;
use super::screening::extended;
use super::settings::{Gain, ModelGuided};
use crate::front::{crowding_distance, non_dominated_ranks};
use crate::problem::{Costs, Metric, Problem};
use crate::regression::{Encoder, GaussianProcess, Sample};
use crate::strategy::spread::Spread;

/// Largest number of observations in the regression: preparing takes some `n³ / 3` and predicting `n²` multiply-adds a network.
const OBSERVATIONS: usize = 240;

/// Largest number of observations from which hyper-parameters are found.
const TUNED_ON: usize = 120;

/// A settled trial with everything that the regression needs.
pub(super) struct Observed {
    pub genotype: Genotype,
    pub sample: Sample,
    /// Signals of forward passes, where the study has any and they are defined.
    pub signals: Option<Vec<f64>>,
    pub costs: Costs,
    /// `-ln(error)`
    pub target: f64,
    /// Number by which networks are compared: the target, or the reward.
    pub merit: f64,
}

/// Results of a search with the regression of them.
pub(super) struct Guided<'a> {
    pub problem: &'a Problem,
    settings: ModelGuided,
    pub spread: Spread<'a>,
    pub largest: Option<Genotype>,
    /// Number of trials before the model proposes.
    pub start: usize,
    pub encoder: Encoder,
    /// Every network, in a small space.
    pub pool: Option<Vec<PooledCandidate>>,
    pub observed: Vec<Observed>,
    pub known: HashSet<ArchitectureId>,
    by_choices: Regressor,
    by_signals: Regressor,
    /// Number of observations at which hyper-parameters are found next.
    pub tune_at: usize,
}

impl<'a> Guided<'a> {
    /// A search without results and without a pool.
    pub fn new(problem: &'a Problem, settings: ModelGuided) -> Self {
        let spread = Spread::new(problem);
        let start = (settings.start + problem.space.families.len().saturating_sub(1)).max(2);
        Self {
            start,
            largest: spread.largest(),
            encoder: Encoder::new(&problem.space),
            spread,
            problem,
            settings,
            pool: None,
            observed: Vec::new(),
            known: HashSet::new(),
            by_choices: Regressor::default(),
            by_signals: Regressor::default(),
            tune_at: start,
        }
    }

    /// A network as input of the regression, with the columns logarithm of multiply-adds, of parameters, and depth.
    pub fn sample(&self, genotype: &Genotype, costs: &Costs) -> Sample {
        let encoding = self.encoder.encode(genotype);
        let logarithm = |count: u64| (count.max(1) as f64).ln();
        let columns = vec![
            logarithm(costs.macs),
            logarithm(costs.params),
            f64::from(encoding.layers),
        ];
        Sample { encoding, columns }
    }

    /// Objectives other than accuracy.
    fn cost_metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        let objectives = self.problem.objectives.iter().copied();
        objectives.filter(|metric| *metric != Metric::Accuracy)
    }

    fn improves_front(&self) -> bool {
        match self.settings.gain {
            Gain::Accuracy => false,
            Gain::Front => self.problem.reward().is_none() && self.cost_metrics().next().is_some(),
            Gain::Auto => self.problem.has_unbounded_cost(),
        }
    }

    /// Values of the objectives other than accuracy.
    pub fn objective_costs(&self, costs: &Costs) -> Vec<f64> {
        self.cost_metrics()
            .map(|metric| costs.value(metric).unwrap_or(f64::INFINITY))
            .collect()
    }

    /// Indices of observations, those that matter most first: by non-dominated rank, then by crowding distance.
    pub fn by_merit(&self) -> Vec<usize> {
        let with_costs = self.improves_front();
        let point = |one: &Observed| {
            let mut point = vec![-one.merit];
            if with_costs {
                point.extend(self.objective_costs(&one.costs));
            }
            point
        };
        let points: Vec<Vec<f64>> = self.observed.iter().map(point).collect();
        let ranks = non_dominated_ranks(&points);
        let crowding = crowding_distance(&points, &ranks);
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&one, &other| {
            let by_rank = ranks[one].cmp(&ranks[other]);
            by_rank
                .then(crowding[other].total_cmp(&crowding[one]))
                .then(one.cmp(&other))
        });
        order
    }

    /// Observations that the regression uses, at most `limit`, in the order of their trials.
    fn training_set(&self, limit: usize) -> Vec<&Observed> {
        if self.observed.len() <= limit {
            return self.observed.iter().collect();
        }
        let order = self.by_merit();
        let (best, rest) = order.split_at(limit / 2);
        let mut rest = rest.to_vec();
        rest.sort_unstable();
        let mut chosen: Vec<usize> = best
            .iter()
            .chain(&rest[rest.len() - (limit - best.len())..])
            .copied()
            .collect();
        chosen.sort_unstable();
        chosen.into_iter().map(|index| &self.observed[index]).collect()
    }

    /// The network of a genotype.
    pub fn express(&self, genotype: &Genotype) -> Architecture {
        self.problem.space.express(genotype, self.problem.classes)
    }

    /// Signals of networks; none where the study has no signals.
    pub fn measure(&self, networks: &[Architecture]) -> Vec<Option<Vec<f64>>> {
        match self.problem.signals() {
            Some(source) => source.measure(networks),
            None => vec![None; networks.len()],
        }
    }

    /// Means of the signals observed; `None` where none is.
    pub fn typical_signals(&self) -> Option<Vec<f64>> {
        let measured: Vec<&Vec<f64>> = self.observed.iter().filter_map(|one| one.signals.as_ref()).collect();
        let width = measured.first()?.len();
        let mean = |at: usize| measured.iter().map(|signals| signals[at]).sum::<f64>() / measured.len() as f64;
        Some((0..width).map(mean).collect())
    }

    /// Finds hyper-parameters again.
    pub fn tune(&mut self) {
        let mut by_choices = std::mem::take(&mut self.by_choices);
        let mut by_signals = std::mem::take(&mut self.by_signals);
        let chosen = self.training_set(TUNED_ON);
        let targets = chosen.iter().map(|one| one.target);
        by_choices.tune(
            &self.encoder,
            &pairs(chosen.iter().map(|one| &one.sample), targets.clone()),
        );
        if let Some(typical) = self.typical_signals() {
            let samples = with_signals(&chosen, &typical);
            by_signals.tune(&self.encoder, &pairs(&samples, targets));
        }
        (self.by_choices, self.by_signals) = (by_choices, by_signals);
        self.tune_at = self.observed.len() + (self.observed.len() / 16).max(1);
    }

    /// The process given all observations and, as believed, the pending networks.
    pub fn process(&self, pending: &[Sample]) -> Option<GaussianProcess> {
        let chosen = self.training_set(OBSERVATIONS);
        let samples = pairs(
            chosen.iter().map(|one| &one.sample),
            chosen.iter().map(|one| one.target),
        );
        let pending: Vec<&Sample> = pending.iter().collect();
        self.by_choices.process(&self.encoder, &samples, &pending)
    }

    /// [`Guided::process`] with signals among the inputs; the pending networks have theirs.
    pub fn process_by_signals(&self, typical: &[f64], pending: &[Sample]) -> Option<GaussianProcess> {
        let chosen = self.training_set(OBSERVATIONS);
        let networks = with_signals(&chosen, typical);
        let samples = pairs(&networks, chosen.iter().map(|one| one.target));
        let pending: Vec<&Sample> = pending.iter().collect();
        self.by_signals.process(&self.encoder, &samples, &pending)
    }

    /// Gain over the known networks, where pending networks have their expected values.
    pub fn acquisition(&self, believed: &[(f64, Costs)]) -> Acquisition {
        let observed = self.observed.iter().map(|one| (one.target, &one.costs));
        let known = observed.chain(believed.iter().map(|(value, costs)| (*value, costs)));
        if self.problem.reward().is_some() {
            let reward = |(value, costs): (f64, &Costs)| self.problem.value(costs, accuracy_of(value));
            let best = known.map(reward).fold(f64::NEG_INFINITY, f64::max);
            return Acquisition::Reward { best };
        }
        if !self.improves_front() {
            let best = known.map(|(value, _)| value).fold(f64::NEG_INFINITY, f64::max);
            return Acquisition::Accuracy { best };
        }
        let known: Vec<(f64, Vec<f64>)> = known
            .map(|(value, costs)| (value, self.objective_costs(costs)))
            .collect();
        let bounds = self.cost_metrics().enumerate().map(|(index, metric)| {
            let seen = known
                .iter()
                .map(|(_, costs)| costs[index])
                .fold(f64::NEG_INFINITY, f64::max);
            let largest = if metric == self.problem.size_metric() {
                self.spread.largest_size()
            } else {
                seen
            };
            // A network at the bound itself still counts.
            1.01 * self
                .problem
                .bound(metric)
                .unwrap_or(f64::INFINITY)
                .min(largest.max(seen))
        });
        let bounds = bounds.collect();
        Acquisition::Front(Front::new(&known, bounds))
    }
}

fn pairs<'s>(
    samples: impl IntoIterator<Item = &'s Sample>,
    targets: impl Iterator<Item = f64>,
) -> Vec<(&'s Sample, f64)> {
    samples.into_iter().zip(targets).collect()
}

fn with_signals(observed: &[&Observed], typical: &[f64]) -> Vec<Sample> {
    let extend = |one: &&Observed| extended(&one.sample, one.signals.as_deref(), typical);
    observed.iter().map(extend).collect()
}

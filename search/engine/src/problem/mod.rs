//! The problem that a study solves: its networks, their costs, and the constraints that decide which of them may be tried.
//!
//! [`Problem::admit`] is the only place that decides whether a network may be tried. Costs are computed there, once, and
//! travel with the network as [`Costs`]; accuracies come from evaluators.

mod constraint;
mod costs;
mod metric;
mod reward;

pub use constraint::{Constraint, Infeasible, Quantity, Violation, violation};
pub use costs::{Costs, CostsOnDemand};
pub use metric::{Metric, MetricError};
pub use reward::Reward;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use mnas_latency::{LatencyModel, Milliseconds, Prediction};
use mnas_space::{Architecture, BlockKey, Candidate, Cost, Genotype, SearchSpace};

use crate::ranking::SignalSource;

/// A device that networks are deployed on.
#[derive(Debug)]
pub struct TargetDevice {
    /// Its name.
    pub name: String,
    /// Predicts latencies on it.
    pub latency: LatencyModel,
    /// The latency that a network may have on it, or is to have where the problem has a reward; `None` for no limit.
    pub budget: Option<Milliseconds>,
}

/// A search problem.
#[derive(Debug)]
pub struct Problem {
    /// The networks that can be drawn.
    pub space: SearchSpace,
    /// Number of classes.
    pub classes: u32,
    /// Devices that networks are deployed on.
    pub devices: Vec<TargetDevice>,
    /// Metrics that span the front.
    pub objectives: Vec<Metric>,
    /// Bounds that every network must keep, budgets included.
    constraints: Vec<Constraint>,
    /// Set where budgets are weighed and no constraints.
    reward: Option<Reward>,
    signals: OnceLock<Arc<dyn SignalSource>>,
}

/// Largest size of draws where the budget is weighed, as a multiple of it.
const BEYOND_BUDGET: f64 = 2.0;

/// A network that may be tried, with its costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The network as deployed.
    pub architecture: Architecture,
    /// Its costs.
    pub costs: Costs,
}

impl Problem {
    /// A problem whose constraints are the devices' budgets and `limits`.
    pub fn new(
        space: SearchSpace,
        classes: u32,
        devices: Vec<TargetDevice>,
        objectives: Vec<Metric>,
        limits: Vec<Constraint>,
    ) -> Self {
        let budgets = devices.iter().enumerate().filter_map(|(index, device)| {
            device.budget.map(|budget| Constraint {
                metric: Metric::Latency(index),
                at_most: budget.0,
            })
        });
        let constraints = budgets.chain(limits).collect();
        Self {
            space,
            classes,
            devices,
            objectives,
            constraints,
            reward: None,
            signals: OnceLock::new(),
        }
    }

    /// The problem whose budgets are no constraints: a reward weighs latencies against accuracy.
    #[must_use]
    pub fn with_reward(mut self, reward: Reward) -> Self {
        self.constraints
            .retain(|constraint| !matches!(constraint.metric, Metric::Latency(_)));
        self.reward = Some(reward);
        self
    }

    /// Gives strategies a source of signals, before the first search; a second one is ignored.
    pub fn set_signals(&self, source: Arc<dyn SignalSource>) {
        // The result says that there is a source already.
        let _ = self.signals.set(source);
    }

    /// The source of signals, where strategies have one.
    pub fn signals(&self) -> Option<&dyn SignalSource> {
        self.signals.get().map(AsRef::as_ref)
    }

    /// The reward, where budgets are weighed.
    pub fn reward(&self) -> Option<Reward> {
        self.reward
    }

    /// Factor of the reward for a network of these costs; 1 where budgets are constraints.
    pub fn reward_factor(&self, costs: &Costs) -> f64 {
        let Some(reward) = self.reward else { return 1.0 };
        let factors = self
            .devices
            .iter()
            .zip(&costs.latency)
            .filter_map(|(device, prediction)| {
                let budget = device.budget?;
                Some(reward.factor(prediction.latency.0, budget.0))
            });
        factors.product()
    }

    /// The number by which networks within the constraints are compared: the accuracy, or the reward.
    pub fn value(&self, costs: &Costs, accuracy: f64) -> f64 {
        accuracy * self.reward_factor(costs)
    }

    /// Bounds that every network must keep: the budgets first, then the other limits.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// The least bound on a metric.
    pub fn bound(&self, metric: Metric) -> Option<f64> {
        let bounds = self.constraints.iter().filter(|constraint| constraint.metric == metric);
        bounds.map(|constraint| constraint.at_most).min_by(f64::total_cmp)
    }

    /// The size up to which networks are drawn: the bound on the size metric, or twice a budget that is weighed.
    pub fn size_limit(&self) -> Option<f64> {
        let metric = self.size_metric();
        self.bound(metric)
            .or_else(|| Some(BEYOND_BUDGET * self.weighed_budget(metric)?))
    }

    /// The size that is wanted: the bound on the size metric, or a budget that is weighed.
    pub fn size_goal(&self) -> Option<f64> {
        let metric = self.size_metric();
        self.bound(metric).or_else(|| self.weighed_budget(metric))
    }

    fn weighed_budget(&self, metric: Metric) -> Option<f64> {
        let Metric::Latency(device) = metric else { return None };
        self.reward.and(self.devices[device].budget).map(|budget| budget.0)
    }

    /// The metric along which networks of different size are compared: latency on the first device, without devices the
    /// first constraint's metric, without constraints multiply-adds.
    pub fn size_metric(&self) -> Metric {
        if !self.devices.is_empty() {
            return Metric::Latency(0);
        }
        self.constraints
            .first()
            .map_or(Metric::Macs, |constraint| constraint.metric)
    }

    /// Returns true if some objective other than accuracy has neither bound nor reward: the whole front is wanted then, and not
    /// the network of the highest value alone.
    pub fn has_unbounded_cost(&self) -> bool {
        let mut costs = self.objectives.iter().filter(|metric| **metric != Metric::Accuracy);
        self.reward.is_none() && costs.any(|metric| self.bound(*metric).is_none())
    }

    /// Names of the devices.
    pub fn device_names(&self) -> Vec<String> {
        self.devices.iter().map(|device| device.name.clone()).collect()
    }

    /// Predicted latencies and exact counts of a network.
    pub fn costs(&self, architecture: &Architecture) -> Costs {
        let latency = self.devices.iter().map(|device| device.latency.predict(architecture));
        Costs::of(architecture, latency.collect())
    }

    /// Predicted latency on a device; a violation where it exceeds the bound on it.
    fn latency_within(&self, device: usize, architecture: &Architecture) -> Result<Prediction, Violation> {
        let model = &self.devices[device].latency;
        let mut constraints = self.constraints.iter();
        let Some(constraint) = constraints.find(|constraint| constraint.metric == Metric::Latency(device)) else {
            return Ok(model.predict(architecture));
        };
        let within = model.predict_within(architecture, Milliseconds(constraint.at_most));
        within.map_err(|latency| Violation::Constraint {
            constraint: *constraint,
            value: latency.0,
        })
    }

    /// The first constraint that these costs break.
    pub fn violation(&self, costs: &Costs) -> Option<Violation> {
        violation(&self.constraints, costs)
    }

    /// Decides whether a network may be tried, and computes its costs.
    pub fn admit(&self, architecture: Architecture) -> Result<Proposal, Violation> {
        // Budgets come first among the constraints, and most networks that are refused break one: nothing else of them is
        // computed.
        let mut latency = Vec::with_capacity(self.devices.len());
        for index in 0..self.devices.len() {
            latency.push(self.latency_within(index, &architecture)?);
        }
        let costs = Costs::of(&architecture, latency);
        if let Some(violation) = self.violation(&costs) {
            return Err(violation);
        }
        if !self.space.admits(&architecture) {
            return Err(Violation::Space);
        }
        Ok(Proposal { architecture, costs })
    }

    /// [`Problem::admit`] for the network of a genotype.
    pub fn admit_genotype(&self, genotype: &Genotype) -> Result<Proposal, Violation> {
        self.admit(self.space.express(genotype, self.classes))
    }

    /// Coordinates of a network on the objectives, all to be minimised (accuracy enters negated); `None` where a value is
    /// missing.
    pub fn point(&self, costs: &Costs, accuracy: Option<f64>) -> Option<Vec<f64>> {
        let coordinate = |metric: &Metric| match metric {
            Metric::Accuracy => accuracy.map(|accuracy| -accuracy),
            other => costs.value(*other),
        };
        self.objectives.iter().map(coordinate).collect()
    }

    /// Coordinates by which a search for one network compares: the reward alone, where there is one, else those of
    /// [`Problem::point`].
    pub fn search_point(&self, costs: &Costs, accuracy: Option<f64>) -> Option<Vec<f64>> {
        match self.reward {
            Some(_) => Some(vec![-self.value(costs, accuracy?)]),
            None => self.point(costs, accuracy),
        }
    }

    /// The network of one of the space's families with the least value of a metric, which is not accuracy.
    pub fn least_of_family(&self, family: usize, metric: Metric) -> (Genotype, Proposal) {
        let counted = |of: fn(&Cost) -> u64| move |key: &BlockKey| of(&Cost::of(&key.graph())) as f64;
        let found = match metric {
            Metric::Accuracy => self.cheapest(family, &mut |_| 0.0),
            Metric::Latency(device) => {
                self.cheapest(family, &mut |key| self.devices[device].latency.layer_share_ms(key))
            }
            Metric::Macs => self.cheapest(family, &mut counted(|cost| cost.macs)),
            Metric::Params => self.cheapest(family, &mut counted(|cost| cost.params)),
            Metric::FileBytes => self.cheapest(family, &mut counted(|cost| cost.folded_params)),
            Metric::PeakActivationBytes => self.least_peak(family),
        };
        let costs = self.costs(&found.architecture);
        let proposal = Proposal {
            architecture: found.architecture,
            costs,
        };
        (found.genotype, proposal)
    }

    fn cheapest(&self, family: usize, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Candidate {
        self.space.cheapest_of_family(family, self.classes, cost)
    }

    /// The network whose largest layer needs least memory: the least bound under which some network has no larger layer.
    fn least_peak(&self, family: usize) -> Candidate {
        let peak = |key: &BlockKey| Cost::of(&key.graph()).peak_activation_bytes;
        let mut peaks = BTreeSet::new();
        let mut best = self.cheapest(family, &mut |key| {
            peaks.insert(peak(key));
            0.0
        });
        let bounds: Vec<u64> = peaks.into_iter().collect();
        let (mut low, mut high) = (0, bounds.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let found = self.cheapest(family, &mut |key| f64::from(u8::from(peak(key) > bounds[middle])));
            if found.architecture.cost().peak_activation_bytes <= bounds[middle] {
                best = found;
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        best
    }

    /// The network of the space with the least value of a metric.
    ///
    /// # Panics
    ///
    /// Never for a space that was read: it has at least one family.
    pub fn least(&self, metric: Metric) -> (Genotype, Proposal) {
        let value = |(_, proposal): &(Genotype, Proposal)| proposal.costs.value(metric).unwrap_or(f64::INFINITY);
        (0..self.space.families.len())
            .map(|family| self.least_of_family(family, metric))
            .min_by(|one, other| value(one).total_cmp(&value(other)))
            .expect("a space is checked to have at least one family")
    }

    /// The constraints that no network of the space keeps, each taken alone, with the nearest value in reach.
    pub fn infeasible(&self) -> Vec<Infeasible> {
        let unreachable = |constraint: &Constraint| {
            let (_, proposal) = self.least(constraint.metric);
            let least = proposal.costs.value(constraint.metric)?;
            (least > constraint.at_most).then_some(Infeasible {
                constraint: *constraint,
                least,
                architecture: proposal.architecture,
            })
        };
        self.constraints.iter().filter_map(unreachable).collect()
    }
}

#[cfg(test)]
mod tests;

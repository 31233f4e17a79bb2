//! Asynchronous successive halving: short trainings of many networks, longer ones of the best.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::config::StudyConfig;
use super::trial::Trial;
use crate::evaluator::Fidelity;
use crate::front::{crowding_distance, non_dominated_ranks};
use crate::problem::Problem;

/// Asynchronous successive halving (Li et al. 2020, arXiv:1810.05934).
///
/// Every network is trained for the epochs of the lowest rung. Of the candidates with a result in a rung, the best share of
/// `1 / factor` is promoted to the next one, whenever there is one to promote; nothing waits for a rung to be full. A
/// promoted training begins with the weights of the shorter one and takes the epochs that are missing, with a learning rate
/// schedule of their own, warm-up included (warm restarts, Loshchilov and Hutter, arXiv:1608.03983): accuracies of every
/// rung are those of networks whose learning rate has fallen to its end, and weights of every rung can be used. A schedule
/// of the longest training, cut, would compare networks in the middle of it, where the noise of large steps hides their
/// order.
///
/// Candidates of a rung are ranked by accuracy, or reward, where every cost among the objectives has a bound, else by non-dominated rank
/// and crowding distance, so that the whole front is promoted (Schmucker et al., arXiv:2106.12639). References are compared
/// and not selected: each of them is promoted to the highest rung.
///
/// Strategies learn from the lowest rung, the only one in which all networks can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Halving {
    /// Ratio of the epochs of two rungs, and of the candidates in them; at least 2.
    pub factor: u32,
    /// Least number of epochs of a training. Default: 1.
    #[serde(default = "one")]
    pub min_epochs: u32,
}

fn one() -> u32 {
    1
}

impl Halving {
    /// Epochs of the rungs for a recipe of so many epochs, ascending: these, and as often as the least number allows, the
    /// epochs of a rung divided by the factor.
    pub fn rungs(self, epochs: u32) -> Vec<u32> {
        let shorter =
            |&epochs: &u32| Some(epochs / self.factor.max(2)).filter(|&fewer| fewer >= self.min_epochs.max(1));
        let mut rungs: Vec<u32> = std::iter::successors(Some(epochs), shorter).collect();
        rungs.reverse();
        rungs
    }
}

/// A longer training of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promotion {
    /// Trial whose weights it begins with.
    pub trial: u64,
    /// Fidelity of the longer training, including the shorter one.
    pub fidelity: Fidelity,
}

/// The rungs of a study.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    /// Fidelities, ascending; the last one is full.
    rungs: Vec<Fidelity>,
    factor: usize,
}

impl Ladder {
    /// The rungs of a study with successive halving.
    pub fn of(config: &StudyConfig) -> Option<Self> {
        let training = config.training()?;
        let halving = training.halving?;
        let epochs = training.recipe.epochs;
        let effort = |rung: u32| {
            if rung == epochs {
                Fidelity::Full
            } else {
                Fidelity::Epochs(rung)
            }
        };
        Some(Self {
            rungs: halving.rungs(epochs).into_iter().map(effort).collect(),
            factor: halving.factor as usize,
        })
    }

    /// Fidelity of the first trial of a network.
    pub fn lowest(&self) -> Fidelity {
        self.rungs[0]
    }

    /// The promotion that follows from the results of settled trials, the highest rung first; `trials` are all trials, those
    /// promoted before among them.
    pub fn promotion(&self, problem: &Problem, settled: &[Trial], trials: &[Trial]) -> Option<Promotion> {
        let promoted: HashSet<u64> = trials.iter().filter_map(|trial| trial.start_from).collect();
        self.rungs.windows(2).rev().find_map(|rungs| {
            let members = settled.iter().filter(|trial| trial.fidelity == rungs[0]);
            let (candidates, references): (Vec<&Trial>, Vec<&Trial>) = members.partition(|trial| trial.is_candidate());
            let references = references.into_iter().filter(|trial| is_evaluated(trial));
            let best = best_first(problem, &candidates).into_iter();
            references
                .chain(best.take(candidates.len() / self.factor))
                .find(|trial| !promoted.contains(&trial.number))
                .map(|trial| Promotion {
                    trial: trial.number,
                    fidelity: rungs[1],
                })
        })
    }

    /// Number of promotions to expect of so many candidates and references.
    pub fn expected(&self, candidates: usize, references: usize) -> usize {
        let steps = self.rungs.len() - 1;
        let candidates = std::iter::successors(Some(candidates), |count| Some(count / self.factor));
        references * steps + candidates.skip(1).take(steps).sum::<usize>()
    }
}

fn is_evaluated(trial: &Trial) -> bool {
    trial.accuracy().is_some_and(f64::is_finite)
}

/// The evaluated ones of the trials of a rung, the best first; of equals the earliest.
fn best_first<'a>(problem: &Problem, members: &[&'a Trial]) -> Vec<&'a Trial> {
    let with_costs = problem.has_unbounded_cost();
    let (mut ranked, points): (Vec<&Trial>, Vec<Vec<f64>>) = members
        .iter()
        .filter(|trial| is_evaluated(trial))
        .filter_map(|trial| {
            let accuracy = trial.accuracy()?;
            let point = if with_costs {
                problem.point(&trial.costs, Some(accuracy))?
            } else {
                vec![-accuracy]
            };
            Some((*trial, point))
        })
        .unzip();
    if !with_costs {
        ranked.sort_by(|one, other| {
            let accuracy = |trial: &Trial| problem.value(&trial.costs, trial.accuracy().unwrap_or(f64::NEG_INFINITY));
            accuracy(other)
                .total_cmp(&accuracy(one))
                .then(one.number.cmp(&other.number))
        });
        return ranked;
    }
    let ranks = non_dominated_ranks(&points);
    let crowding = crowding_distance(&points, &ranks);
    let mut order: Vec<usize> = (0..ranked.len()).collect();
    order.sort_by(|&one, &other| {
        let by_rank = ranks[one].cmp(&ranks[other]);
        by_rank
            .then(crowding[other].total_cmp(&crowding[one]))
            .then(one.cmp(&other))
    });
    order.into_iter().map(|index| ranked[index]).collect()
}

#[cfg(test)]
mod tests;

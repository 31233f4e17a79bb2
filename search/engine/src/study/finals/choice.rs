//! Selection of the finalists.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::selection::latest;
use super::super::trial::Trial;
use super::super::trial_kind::TrialKind;
use crate::problem::Problem;

/// Reason for the final training of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinalRole {
    /// One of the most accurate networks of the study.
    Finalist,
    /// A published network for comparison.
    Reference,
}

/// A network chosen for final training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The trial whose network it is.
    pub trial: u64,
    /// The reason.
    pub role: FinalRole,
}

/// Selects the `count` most accurate networks that keep every constraint (by measured latency where it exists), candidates
/// and references alike, and in addition the most accurate point of each published network that keeps every constraint.
pub fn choose_finalists(problem: &Problem, trials: &[Trial], count: usize) -> Vec<Choice> {
    if count == 0 {
        return Vec::new();
    }
    let ranked = ranked_networks(problem, trials);
    let best = ranked.iter().take(count).map(|trial| Choice {
        trial: trial.number,
        role: FinalRole::Finalist,
    });
    let mut chosen: Vec<Choice> = best.collect();
    let mut references: BTreeMap<&str, u64> = BTreeMap::new();
    for trial in &ranked {
        if let TrialKind::Reference { name, .. } = &trial.kind {
            references.entry(name).or_insert(trial.number);
        }
    }
    let mut beside: Vec<u64> = references.into_values().collect();
    beside.sort_unstable();
    for trial in beside {
        if chosen.iter().all(|choice| choice.trial != trial) {
            let role = FinalRole::Reference;
            chosen.push(Choice { trial, role });
        }
    }
    chosen
}

/// The evaluated trials that keep every constraint, one a network: those of the highest fidelity first, of these the most
/// accurate (or of the highest reward), of equals the earliest.
pub fn ranked_networks<'a>(problem: &Problem, trials: &'a [Trial]) -> Vec<&'a Trial> {
    let mut ranked: Vec<(f64, &Trial)> = latest(trials)
        .into_iter()
        .filter(|trial| problem.violation(&trial.known_costs()).is_none())
        .filter_map(|trial| {
            let accuracy = trial.accuracy().filter(|accuracy| !accuracy.is_nan())?;
            Some((problem.value(&trial.known_costs(), accuracy), trial))
        })
        .collect();
    ranked.sort_by(|one, other| {
        let by_fidelity = other.1.fidelity.cmp(&one.1.fidelity);
        by_fidelity
            .then(other.0.total_cmp(&one.0))
            .then(one.1.number.cmp(&other.1.number))
    });
    ranked.into_iter().map(|(_, trial)| trial).collect()
}

//! Which candidate is next: a function of what is known, whatever order trainings ended in.

use mnas_space::{Architecture, Genotype, SearchSpace};
use rand_chacha::ChaCha8Rng;

use super::config::StudyConfig;
use super::latency::LatencyModel;
use super::state::StudyState;
use crate::random::stream;
use crate::strategy::{Evaluated, Strategy};

/// How often the strategy is asked before the proposer looks for itself.
const ASKS: u64 = 2_000;

/// Steps of the walk that finds networks within tight budgets.
const STEPS: usize = 2_000;

/// A network to train next.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The deployed network.
    pub architecture: Architecture,
    /// Predicted latency with the lower and upper end of its interval.
    pub latency_ms: (f64, f64, f64),
    /// Share of its layers that were measured.
    pub coverage: f64,
}

/// Proposes candidates of one study.
pub struct Proposer<'a> {
    pub space: &'a SearchSpace,
    pub strategy: &'a dyn Strategy,
    pub latency: &'a LatencyModel,
    pub config: &'a StudyConfig,
    pub classes: u32,
}

impl Proposer<'_> {
    /// Whether candidate `index` may be proposed: all but the last `in_flight` candidates before it are settled.
    pub fn may_propose(&self, state: &StudyState, index: usize) -> bool {
        index < self.config.trials
            && state
                .candidates()
                .take((index + 1).saturating_sub(self.config.in_flight))
                .all(super::state::Trial::is_settled)
    }

    /// Candidate number `index`; `None` when no new network within the budget was found.
    ///
    /// It depends on the candidates before it and on the results of those that [`Proposer::may_propose`] waits for,
    /// never on results that happened to come early.
    pub fn propose(&self, state: &StudyState, index: usize) -> Option<Proposal> {
        let known = (index + 1).saturating_sub(self.config.in_flight);
        let history: Vec<Evaluated> = state
            .candidates()
            .take(known)
            .filter_map(|trial| {
                let genotype = self.space.encode(&trial.architecture)?;
                Some(Evaluated {
                    genotype,
                    accuracy: trial.accuracy(),
                })
            })
            .collect();
        let mut rng = stream(self.config.seed, "propose", index as u64, 0);
        for _ in 0..ASKS {
            let genotype = self.strategy.ask(self.space, &history, &mut rng);
            if let Some(proposal) = self.accept(state, &genotype) {
                return Some(proposal);
            }
        }
        self.walk(state, index)
    }

    /// The proposal of a genotype that is new, within the budget and within the space's constraints.
    fn accept(&self, state: &StudyState, genotype: &Genotype) -> Option<Proposal> {
        let architecture = self.space.express(genotype, self.classes);
        if state.knows(architecture.id()) || !self.space.admits(&architecture) {
            return None;
        }
        let prediction = self.latency.predict(&architecture);
        (prediction.latency <= self.config.budget).then_some(Proposal {
            architecture,
            latency_ms: (prediction.latency.0, prediction.low.0, prediction.high.0),
            coverage: prediction.coverage,
        })
    }

    /// Random walks through networks within the budget, for budgets that random draws and their children almost never
    /// meet: one from the fastest network of each family, the fastest family first, until one finds something new.
    fn walk(&self, state: &StudyState, index: usize) -> Option<Proposal> {
        let mut rng = stream(self.config.seed, "walk", index as u64, 0);
        let mut starts: Vec<(f64, Genotype)> = (0..self.space.families.len())
            .map(|family| {
                let (start, prediction) = self.latency.fastest_of_family(self.space, family, self.classes);
                (prediction.latency.0, start.genotype)
            })
            .collect();
        starts.sort_by(|one, other| one.0.total_cmp(&other.0));
        starts
            .into_iter()
            .find_map(|(_, start)| self.walk_from(start, state, &mut rng))
    }

    fn walk_from(&self, mut here: Genotype, state: &StudyState, rng: &mut ChaCha8Rng) -> Option<Proposal> {
        let mut found = self.accept(state, &here);
        for step in 0..STEPS {
            let next = self.space.mutate(&here, rng);
            let architecture = self.space.express(&next, self.classes);
            if self.latency.predict(&architecture).latency <= self.config.budget {
                found = self.accept(state, &next).or(found);
                here = next;
            }
            if step >= STEPS / 10 && found.is_some() {
                break;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;

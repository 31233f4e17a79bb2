//! Choice of the next trial, independent of the order in which trials end.

use std::collections::BTreeMap;
use std::fmt;

use mnas_space::Genotype;
use rand_chacha::ChaCha8Rng;

use super::config::StudyConfig;
use super::halving::{Ladder, Promotion};
use super::state::StudyState;
use super::trial::Trial;
use crate::problem::{Problem, Proposal, Violation};
use crate::strategy::{Observation, Search, Strategy};
use mnas_space::random::stream;

/// Draws from the strategy before the proposer starts its own walk.
const DRAWS: usize = 2_000;

/// Steps of the walk that finds networks under tight constraints.
const STEPS: usize = 2_000;

/// Counts of the networks that were drawn for one proposal and refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusals {
    /// Networks of earlier trials.
    pub known: usize,
    /// Networks that break a constraint, by its name.
    pub violations: BTreeMap<String, usize>,
}

/// `of 4000 networks drawn 1900 are known already, 2100 break the constraint on latency`
impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.known + self.violations.values().sum::<usize>();
        write!(f, "of {total} networks drawn {} are known already", self.known)?;
        for (constraint, count) in &self.violations {
            write!(f, ", {count} break the {constraint}")?;
        }
        Ok(())
    }
}

/// The next trial of a study.
pub(super) enum Next {
    /// A new network.
    Candidate(Proposal),
    /// A longer training of a network.
    Promotion(Promotion),
    /// None before further results.
    Wait,
}

/// Proposes the trials of one study.
pub(super) struct Proposer<'a> {
    problem: &'a Problem,
    search: Box<dyn Search + 'a>,
    ladder: Option<Ladder>,
    /// Number of candidates.
    trials: usize,
    seed: u64,
    lookahead: usize,
    /// Number of trials whose outcome the search has absorbed.
    absorbed: usize,
    /// Number of the trial for which no new network was found, with the reasons.
    refused: Option<(usize, Refusals)>,
}

impl<'a> Proposer<'a> {
    pub fn new(problem: &'a Problem, strategy: &'a dyn Strategy, config: &StudyConfig) -> Self {
        Self {
            problem,
            search: strategy.begin(problem),
            ladder: Ladder::of(config),
            trials: config.trials,
            seed: config.seed,
            lookahead: config.lookahead,
            absorbed: 0,
            refused: None,
        }
    }

    /// The next trial.
    ///
    /// A promotion comes before a new network. Once there is no new network, longer trainings follow from one result more at
    /// a time, in the order of the trials, so that they do not depend on the moment at which results arrive either.
    pub fn next(&mut self, state: &StudyState) -> Next {
        if !self.may_propose(state) {
            return Next::Wait;
        }
        let needed = self.needed(state);
        if let Some(promotion) = self.promotion(state, needed) {
            return Next::Promotion(promotion);
        }
        if self.may_draw(state) {
            match self.propose(state) {
                Ok(proposal) => return Next::Candidate(proposal),
                Err(refusals) => self.refused = Some((state.trials().len(), refusals)),
            }
        }
        let promotion = (needed + 1..=state.settled_prefix()).find_map(|known| self.promotion(state, known));
        promotion.map_or(Next::Wait, Next::Promotion)
    }

    /// Returns true if no trial follows, whatever the results of those under way.
    pub fn is_done(&self, state: &StudyState) -> bool {
        let is_settled = state.settled_prefix() == state.trials().len();
        let may_promote = || {
            let mut known = self.needed(state)..=state.settled_prefix();
            !is_settled || known.any(|known| self.promotion(state, known).is_some())
        };
        !self.may_draw(state) && (self.ladder.is_none() || !may_promote())
    }

    /// The reasons why no new network was found in place of a candidate that was asked for.
    pub fn refusals(&self, state: &StudyState) -> Option<&Refusals> {
        let refused = self
            .refused
            .as_ref()
            .filter(|(number, _)| *number == state.trials().len());
        refused.map(|(_, refusals)| refusals)
    }

    /// Number of trials that there will be, references and imported ones included.
    pub fn expected(&self, state: &StudyState) -> usize {
        let counts = state.counts();
        let promotions = self
            .ladder
            .as_ref()
            .map_or(0, |ladder| ladder.expected(self.trials, counts.references));
        counts.references + counts.imported + self.trials + promotions.max(counts.promotions)
    }

    /// Returns true if a candidate is asked for and was not refused.
    fn may_draw(&self, state: &StudyState) -> bool {
        state.counts().candidates < self.trials && self.refusals(state).is_none()
    }

    /// The promotion that follows from the results of the first `known` trials.
    fn promotion(&self, state: &StudyState, known: usize) -> Option<Promotion> {
        let trials = state.trials();
        self.ladder.as_ref()?.promotion(self.problem, &trials[..known], trials)
    }

    /// Number of trials whose results the next proposal waits for: all but the last `lookahead - 1`.
    fn needed(&self, state: &StudyState) -> usize {
        (state.trials().len() + 1).saturating_sub(self.lookahead)
    }

    /// Returns true if every result that the next proposal waits for is there.
    fn may_propose(&self, state: &StudyState) -> bool {
        state.settled_prefix() >= self.needed(state)
    }

    /// The next candidate, or the reasons why no new network was found.
    ///
    /// It depends on the trials before it and on the results that [`Proposer::may_propose`] waits for, never on results
    /// that came early.
    fn propose(&mut self, state: &StudyState) -> Result<Proposal, Refusals> {
        let needed = self.needed(state);
        while self.absorbed < needed {
            let trial = &state.trials()[self.absorbed];
            if let Some(observation) = self.observe(trial, trial.accuracy()) {
                self.search.settle(&observation);
            }
            self.absorbed += 1;
        }
        let pending: Vec<Observation> = state.trials()[needed..]
            .iter()
            .filter_map(|trial| self.observe(trial, None))
            .collect();
        let number = state.trials().len() as u64;
        let mut rng = stream(self.seed, "propose", number, 0);
        let mut sampler = self.search.prepare(&pending);
        let mut refusals = Refusals::default();
        for _ in 0..DRAWS {
            let genotype = sampler.draw(&mut rng);
            if let Some(proposal) = self.accept(state, &genotype, &mut refusals) {
                return Ok(proposal);
            }
        }
        self.walk(state, number, &mut refusals).ok_or(refusals)
    }

    /// A trial as strategies see it; `None` for a reference that is outside the space or breaks a constraint, and for a longer
    /// training: strategies compare networks after their first ones.
    fn observe(&self, trial: &Trial, accuracy: Option<f64>) -> Option<Observation> {
        if trial.start_from.is_some() || self.problem.violation(&trial.costs).is_some() {
            return None;
        }
        Some(Observation {
            genotype: self.problem.space.encode(&trial.architecture)?,
            id: trial.id,
            costs: trial.costs.clone(),
            accuracy,
        })
    }

    /// The proposal of a genotype whose network is new and may be tried.
    fn accept(&self, state: &StudyState, genotype: &Genotype, refusals: &mut Refusals) -> Option<Proposal> {
        let architecture = self.problem.space.express(genotype, self.problem.classes);
        if state.knows(architecture.id()) {
            refusals.known += 1;
            return None;
        }
        match self.problem.admit(architecture) {
            Ok(proposal) => Some(proposal),
            Err(violation) => {
                let name = match violation {
                    Violation::Space => "limits of the space".to_owned(),
                    Violation::Constraint { constraint, .. } => format!("constraint on {}", constraint.metric),
                };
                *refusals.violations.entry(name).or_default() += 1;
                None
            }
        }
    }

    /// Random walks through networks that keep the constraints, for those that random draws and their children almost never
    /// keep: one from the least network of each family, the least first, until one finds something new.
    fn walk(&self, state: &StudyState, number: u64, refusals: &mut Refusals) -> Option<Proposal> {
        let mut rng = stream(self.seed, "walk", number, 0);
        let metric = self.problem.size_metric();
        let mut starts: Vec<(f64, Genotype)> = (0..self.problem.space.families.len())
            .map(|family| {
                let (genotype, proposal) = self.problem.least_of_family(family, metric);
                (proposal.costs.value(metric).unwrap_or(f64::INFINITY), genotype)
            })
            .collect();
        starts.sort_by(|one, other| one.0.total_cmp(&other.0));
        starts
            .into_iter()
            .find_map(|(_, start)| self.walk_from(start, state, &mut rng, refusals))
    }

    fn walk_from(
        &self,
        mut here: Genotype,
        state: &StudyState,
        rng: &mut ChaCha8Rng,
        refusals: &mut Refusals,
    ) -> Option<Proposal> {
        let mut found = self.accept(state, &here, refusals);
        for step in 0..STEPS {
            let next = self.problem.space.mutate(&here, rng);
            if self.problem.admit_genotype(&next).is_ok() {
                found = self.accept(state, &next, refusals).or(found);
                here = next;
            }
            if step >= STEPS / 10 && found.is_some() {
                break;
            }
        }
        found
    }
}

//! Search of the front of predicted ImageNet top-1 over size among millions of candidates.
//!
//! The best network is kept for every narrow interval of size (the problem's [`Problem::size_metric`], such as latency).
//! Candidates are mutants and children of those that no other dominates, and random draws. Work is divided into a fixed
//! number of streams per round, independent of the number of threads, and merged in their order, so that a seed always gives the
//! same front.

use std::sync::atomic::{AtomicBool, Ordering};

use mnas_space::{Architecture, Genotype};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::predictor::{PredictedTop1, Predictor};
use super::range::OutOfRange;
use crate::front::pareto_front;
use crate::problem::{Infeasible, Metric, Problem, Proposal};
use mnas_space::random::stream;

/// Streams of candidates in a round.
const STREAMS: u64 = 16;
/// Rounds, after each of which the results of the streams are merged.
const ROUNDS: u64 = 24;
/// Logarithmic width of an interval of size.
const INTERVAL: f64 = 0.005;
/// Largest number of intervals: a factor of `e^20` in size.
const INTERVALS: usize = 4_000;
/// Shares of random draws and of children of two parents among the candidates.
const DRAWN: f64 = 0.1;
const CROSSED: f64 = 0.3;
/// Probability of one more mutation.
const MUTATED_AGAIN: f64 = 0.4;

/// Settings of [`search_front`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrontOptions {
    /// Number of candidates to evaluate.
    pub candidates: u64,
    /// Seed.
    pub seed: u64,
}

/// Progress of a search, after each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrontProgress {
    /// Candidates evaluated.
    pub candidates: u64,
    /// Candidates to evaluate.
    pub total: u64,
    /// Members of the front.
    pub members: usize,
}

/// Member of a predicted front.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedMember {
    /// Choices in the space.
    pub genotype: Genotype,
    /// Network and its costs.
    pub proposal: Proposal,
    /// Its prediction, with its interval and its distance from the published networks.
    pub predicted: PredictedTop1,
}

/// Front of predicted top-1 over size.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedFront {
    /// Members, the smallest network first.
    pub members: Vec<PredictedMember>,
    /// Metric of size.
    pub size: Metric,
    /// Candidates evaluated.
    pub candidates: u64,
    /// Candidates over a constraint.
    pub over_constraints: u64,
    /// Candidates out of the predictor's range.
    pub out_of_range: u64,
    /// True if the search was cancelled.
    pub cancelled: bool,
}

/// Reason why a search finds nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// No network of the space keeps a constraint.
    #[error("no network of the space keeps every constraint")]
    Infeasible(Vec<Infeasible>),
    /// Among the candidates within the constraints, none is in the predictor's range.
    #[error(
        "none of {candidates} candidates within the constraints has a predictable ImageNet accuracy; the last reason: {reason}"
    )]
    OutOfRange {
        /// Candidates evaluated.
        candidates: u64,
        /// Reason of the last candidate.
        reason: OutOfRange,
    },
    /// No candidate was within the constraints.
    #[error("none of {candidates} candidates is within the constraints; more candidates may find one")]
    NothingFound {
        /// Candidates evaluated.
        candidates: u64,
    },
}

/// Best network of an interval of size.
#[derive(Debug, Clone)]
struct Entry {
    genotype: Genotype,
    size: f64,
    top1: f64,
}

/// Best networks by interval of size.
#[derive(Debug, Clone)]
struct Grid {
    log_least: f64,
    entries: Vec<Option<Entry>>,
}

impl Grid {
    fn new(least: f64) -> Self {
        Self {
            log_least: least.max(f64::MIN_POSITIVE).ln(),
            entries: Vec::new(),
        }
    }

    fn index(&self, size: f64) -> usize {
        let steps = (size.ln() - self.log_least) / INTERVAL;
        (steps.max(0.0) as usize).min(INTERVALS)
    }

    fn best(&self, index: usize) -> f64 {
        let entry = self.entries.get(index).and_then(Option::as_ref);
        entry.map_or(f64::NEG_INFINITY, |entry| entry.top1)
    }

    fn put(&mut self, index: usize, entry: Entry) {
        if self.entries.len() <= index {
            self.entries.resize_with(index + 1, || None);
        }
        self.entries[index] = Some(entry);
    }

    /// Networks that no other dominates, the smallest first.
    fn front(&self) -> Vec<&Entry> {
        let entries: Vec<&Entry> = self.entries.iter().flatten().collect();
        let points: Vec<[f64; 2]> = entries.iter().map(|entry| [entry.size, -entry.top1]).collect();
        pareto_front(&points).into_iter().map(|index| entries[index]).collect()
    }
}

/// Finds of one stream in one round.
#[derive(Debug)]
struct Finds {
    grid: Grid,
    candidates: u64,
    over_constraints: u64,
    out_of_range: u64,
    reason: Option<OutOfRange>,
}

/// Values that all streams share.
struct Search<'s> {
    problem: &'s Problem,
    predictor: &'s Predictor,
    size: Metric,
    cancel: &'s AtomicBool,
}

/// Searches the front of predicted top-1 over size within the problem's constraints.
///
/// `progress` is called after each round. Setting `cancel` ends the search early with the front found until then. Every
/// member is checked again by [`Problem::admit`] and [`Predictor::predict`]; candidates out of the predictor's range are
/// never members.
pub fn search_front(
    problem: &Problem,
    predictor: &Predictor,
    options: FrontOptions,
    progress: &mut dyn FnMut(FrontProgress),
    cancel: &AtomicBool,
) -> Result<PredictedFront, SearchError> {
    let infeasible = problem.infeasible();
    if !infeasible.is_empty() {
        return Err(SearchError::Infeasible(infeasible));
    }
    let size = problem.size_metric();
    let (smallest, least) = problem.least(size);
    let search = Search {
        problem,
        predictor,
        size,
        cancel,
    };
    let mut grid = Grid::new(least.costs.value(size).unwrap_or(1.0));
    let mut front = PredictedFront {
        members: Vec::new(),
        size,
        candidates: 0,
        over_constraints: 0,
        out_of_range: 0,
        cancelled: false,
    };
    let mut reason = None;
    for round in 0..ROUNDS {
        let mut parents: Vec<Genotype> = grid.front().into_iter().map(|entry| entry.genotype.clone()).collect();
        if parents.is_empty() {
            parents.push(smallest.clone());
        }
        let finds: Vec<Finds> = (0..STREAMS)
            .into_par_iter()
            .map(|index| {
                let part = round * STREAMS + index;
                let share = |part: u64| {
                    (u128::from(options.candidates) * u128::from(part) / u128::from(STREAMS * ROUNDS)) as u64
                };
                let count = share(part + 1) - share(part);
                search.look(
                    count,
                    &grid,
                    parents.clone(),
                    stream(options.seed, "predicted front", round, index),
                )
            })
            .collect();
        for find in finds {
            front.candidates += find.candidates;
            front.over_constraints += find.over_constraints;
            front.out_of_range += find.out_of_range;
            reason = find.reason.or(reason);
            for (index, entry) in find.grid.entries.into_iter().enumerate() {
                if let Some(entry) = entry.filter(|entry| entry.top1 > grid.best(index)) {
                    grid.put(index, entry);
                }
            }
        }
        let members = grid.front().len();
        progress(FrontProgress {
            candidates: front.candidates,
            total: options.candidates,
            members,
        });
        if cancel.load(Ordering::Relaxed) {
            front.cancelled = true;
            break;
        }
    }
    front.members = search.members(&grid);
    if front.members.is_empty() && !front.cancelled {
        let candidates = front.candidates;
        return Err(match reason {
            Some(reason) => SearchError::OutOfRange { candidates, reason },
            None => SearchError::NothingFound { candidates },
        });
    }
    Ok(front)
}

impl Search<'_> {
    /// Evaluates `count` candidates; keeps those that are better than every known one of their interval.
    fn look(&self, count: u64, known: &Grid, mut parents: Vec<Genotype>, mut rng: ChaCha8Rng) -> Finds {
        let mut finds = Finds {
            grid: Grid {
                log_least: known.log_least,
                entries: Vec::new(),
            },
            candidates: 0,
            over_constraints: 0,
            out_of_range: 0,
            reason: None,
        };
        let mut genotype = parents[0].clone();
        let mut architecture = self.problem.space.express(&genotype, self.problem.classes);
        for _ in 0..count {
            if finds.candidates.is_multiple_of(256) && self.cancel.load(Ordering::Relaxed) {
                break;
            }
            finds.candidates += 1;
            self.propose(&parents, &mut genotype, &mut rng);
            self.problem
                .space
                .express_into(&genotype, self.problem.classes, &mut architecture);
            if let Some((index, entry)) = self.find(&architecture, &genotype, known, &mut finds) {
                parents.push(entry.genotype.clone());
                finds.grid.put(index, entry);
            }
        }
        finds
    }

    /// Writes the next candidate into `genotype`.
    fn propose(&self, parents: &[Genotype], genotype: &mut Genotype, rng: &mut ChaCha8Rng) {
        let space = &self.problem.space;
        let way: f64 = rng.random();
        if way < DRAWN {
            return space.sample_into(genotype, rng);
        }
        let parent = &parents[rng.random_range(0..parents.len())];
        if way < DRAWN + CROSSED {
            let other = &parents[rng.random_range(0..parents.len())];
            *genotype = space.crossover(parent, other, rng);
            if genotype != parent && genotype != other {
                return;
            }
        }
        genotype.clone_from(parent);
        space.mutate_in_place(genotype, rng);
        while rng.random_bool(MUTATED_AGAIN) {
            space.mutate_in_place(genotype, rng);
        }
    }

    /// Entry of a candidate, if it is within the constraints, in range, and better than the known ones of its interval.
    fn find(
        &self,
        architecture: &Architecture,
        genotype: &Genotype,
        known: &Grid,
        finds: &mut Finds,
    ) -> Option<(usize, Entry)> {
        let top1 = match self.predictor.score(architecture) {
            Ok(top1) => top1,
            Err(reason) => {
                finds.out_of_range += 1;
                finds.reason = Some(reason);
                return None;
            }
        };
        let Some(size) = self.size_within_constraints(architecture) else {
            finds.over_constraints += 1;
            return None;
        };
        let index = known.index(size);
        if top1 <= known.best(index).max(finds.grid.best(index)) {
            return None;
        }
        if let Err(reason) = self.predictor.predict(architecture) {
            finds.out_of_range += 1;
            finds.reason = Some(reason);
            return None;
        }
        let genotype = genotype.clone();
        Some((index, Entry { genotype, size, top1 }))
    }

    /// Size of a network, `None` if it breaks a constraint.
    ///
    /// Counts are left out if only latencies matter, which is most of the time of a search.
    fn size_within_constraints(&self, architecture: &Architecture) -> Option<f64> {
        let problem = self.problem;
        let constraints = problem.constraints();
        let metrics = constraints
            .iter()
            .map(|constraint| constraint.metric)
            .chain([self.size]);
        let mut latency = None;
        for metric in metrics {
            match metric {
                Metric::Latency(device) if latency.is_none_or(|(known, _)| known == device) => {
                    latency.get_or_insert_with(|| {
                        (device, problem.devices[device].latency.predict(architecture).latency.0)
                    });
                }
                _ => {
                    let costs = problem.costs(architecture);
                    return problem.violation(&costs).is_none().then(|| costs.value(self.size))?;
                }
            }
        }
        let (_, latency) = latency?;
        constraints
            .iter()
            .all(|constraint| latency <= constraint.at_most)
            .then_some(latency)
    }

    /// Members of the front, checked again.
    fn members(&self, grid: &Grid) -> Vec<PredictedMember> {
        let member = |entry: &Entry| {
            let proposal = self.problem.admit_genotype(&entry.genotype).ok()?;
            let predicted = self.predictor.predict(&proposal.architecture).ok()?;
            Some(PredictedMember {
                genotype: entry.genotype.clone(),
                proposal,
                predicted,
            })
        };
        grid.front().into_iter().filter_map(member).collect()
    }
}

#[cfg(test)]
mod tests;

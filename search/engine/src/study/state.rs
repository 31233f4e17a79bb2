//! State of a study, derived from its journal.

use std::collections::HashSet;

use mnas_space::{Architecture, ArchitectureId};

use super::finals::{FinalEvent, Finals};
use super::journal::{Entry, Event};
use super::trial::{Trial, TrialOutcome, TrialTimes};
use super::trial_kind::TrialKind;
use crate::worker::Ready;

/// Numbers of trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Candidates proposed, without imported ones.
    pub candidates: usize,
    /// Candidates imported from other studies.
    pub imported: usize,
    /// References proposed.
    pub references: usize,
    /// Longer trainings of candidates and references proposed.
    pub promotions: usize,
    /// Trials settled, failed ones included.
    pub settled: usize,
    /// Trials failed.
    pub failed: usize,
}

/// State of a study, derived from its journal.
#[derive(Debug, Clone, Default)]
pub struct StudyState {
    trials: Vec<Trial>,
    data: Option<Ready>,
    known: HashSet<ArchitectureId>,
    counts: Counts,
    /// Number of trials that are settled without a gap from the first.
    settled_prefix: usize,
    finals: Finals,
}

impl StudyState {
    /// Replays a journal from its start. The error is the first event that contradicts earlier ones.
    pub fn replay(entries: &[Entry]) -> Result<Self, String> {
        let mut state = Self::default();
        for entry in entries {
            state.apply(&entry.event, entry.at)?;
        }
        Ok(state)
    }

    /// Applies one more event, written at `at`; the state is unchanged where the event contradicts earlier ones.
    pub fn apply(&mut self, event: &Event, at: u64) -> Result<(), String> {
        match event {
            Event::Session { .. } => {}
            Event::Data(ready) => self.data = Some((**ready).clone()),
            Event::Proposed { .. } => self.propose(event, at)?,
            Event::Started { trial, attempt } => {
                let trial = self.trial_mut(*trial)?;
                trial.attempts = *attempt;
                trial.times.started = Some(at);
            }
            Event::Finished { trial, result, worker } => {
                self.settle(*trial, TrialOutcome::Finished(result.clone()), worker, at)?;
            }
            Event::Failed { trial, reason, worker } => {
                let reason = reason.clone();
                self.settle(*trial, TrialOutcome::Failed { reason }, worker, at)?;
                self.counts.failed += 1;
            }
            Event::Measured {
                trial,
                device,
                latency_ms,
            } => {
                let trial = self.trial_mut(*trial)?;
                let number = trial.number;
                let measured = trial.measured_ms.get_mut(*device);
                *measured
                    .ok_or_else(|| format!("trial {number} is measured on device {device}, which the study lacks"))? =
                    Some(*latency_ms);
            }
            Event::Final(event) => {
                if let FinalEvent::Chosen { trial, .. } = event {
                    self.trial_mut(*trial)?;
                }
                self.finals.apply(event, at)?;
            }
        }
        Ok(())
    }

    fn propose(&mut self, event: &Event, at: u64) -> Result<(), String> {
        let Event::Proposed {
            trial,
            kind,
            architecture,
            costs,
            seed,
            fidelity,
            start_from,
        } = event
        else {
            return Ok(());
        };
        let expected = self.trials.len() as u64;
        if *trial != expected {
            return Err(format!(
                "trial {trial} is proposed where trial {expected} would be next"
            ));
        }
        let architecture: Architecture = architecture
            .parse()
            .map_err(|error| format!("trial {trial}: architecture {error}"))?;
        let id = architecture.id();
        self.known.insert(id);
        match (start_from, kind) {
            (Some(shorter), _) => {
                if self.trial(*shorter).is_none_or(|shorter| shorter.id != id) {
                    return Err(format!(
                        "trial {trial} continues trial {shorter}, which is none of its network"
                    ));
                }
                self.counts.promotions += 1;
            }
            (None, TrialKind::Candidate) => self.counts.candidates += 1,
            (None, TrialKind::Imported { .. }) => self.counts.imported += 1,
            (None, TrialKind::Reference { .. }) => self.counts.references += 1,
        }
        self.trials.push(Trial {
            number: *trial,
            kind: kind.clone(),
            architecture,
            id,
            measured_ms: vec![None; costs.latency.len()],
            costs: costs.clone(),
            seed: *seed,
            fidelity: *fidelity,
            start_from: *start_from,
            attempts: 0,
            outcome: TrialOutcome::Pending,
            worker: String::new(),
            times: TrialTimes {
                proposed: at,
                ..TrialTimes::default()
            },
        });
        Ok(())
    }

    fn settle(&mut self, number: u64, outcome: TrialOutcome, worker: &str, at: u64) -> Result<(), String> {
        let trial = self.trial_mut(number)?;
        if trial.is_settled() {
            return Err(format!("trial {number} ends twice"));
        }
        trial.outcome = outcome;
        worker.clone_into(&mut trial.worker);
        trial.times.settled = Some(at);
        self.counts.settled += 1;
        while self.trials.get(self.settled_prefix).is_some_and(Trial::is_settled) {
            self.settled_prefix += 1;
        }
        Ok(())
    }

    fn trial_mut(&mut self, number: u64) -> Result<&mut Trial, String> {
        self.trials
            .get_mut(number as usize)
            .ok_or_else(|| format!("trial {number} was never proposed"))
    }

    /// All trials by number.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The trial of a number.
    pub fn trial(&self, number: u64) -> Option<&Trial> {
        self.trials.get(number as usize)
    }

    /// The trials of candidates in the order they were proposed.
    pub fn candidates(&self) -> impl Iterator<Item = &Trial> {
        self.trials.iter().filter(|trial| trial.is_candidate())
    }

    /// The trials of references in the order they were proposed.
    pub fn references(&self) -> impl Iterator<Item = &Trial> {
        self.trials.iter().filter(|trial| !trial.is_candidate())
    }

    /// Facts about the images, once they were loaded.
    pub fn data(&self) -> Option<&Ready> {
        self.data.as_ref()
    }

    /// Returns true if a trial of this network was proposed.
    pub fn knows(&self, id: ArchitectureId) -> bool {
        self.known.contains(&id)
    }

    /// Numbers of trials.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Number of trials that are settled without a gap from the first.
    pub fn settled_prefix(&self) -> usize {
        self.settled_prefix
    }

    /// Networks of final trainings.
    pub fn finals(&self) -> &Finals {
        &self.finals
    }

    pub(super) fn finals_mut(&mut self) -> &mut Finals {
        &mut self.finals
    }

    /// Resets the attempts of unfinished trials, for a new session; returns their numbers.
    pub(super) fn forget_attempts(&mut self) -> Vec<u64> {
        let unfinished = self.trials.iter_mut().filter(|trial| !trial.is_settled());
        unfinished
            .map(|trial| {
                trial.attempts = 0;
                trial.number
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;

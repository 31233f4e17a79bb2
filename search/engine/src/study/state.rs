//! What follows from a journal.

use std::collections::{BTreeMap, HashSet};

use mnas_space::{Architecture, ArchitectureId};
use serde::{Deserialize, Serialize};

use super::journal::Event;
use crate::worker::{Ready, TrainResult};

/// What a trial is there for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialKind {
    /// A network drawn from the space.
    Candidate,
    /// A published network, trained beside the candidates for comparison.
    Reference {
        /// Its name, such as `mobilenet-v2`.
        name: String,
        /// For plots: `MobileNetV2`.
        title: String,
        /// Width multiplier.
        width: f64,
    },
}

/// One training of one network.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its number, from 0.
    pub number: u64,
    /// Candidate or reference.
    pub kind: TrialKind,
    /// The deployed network.
    pub architecture: Architecture,
    /// Its id.
    pub id: ArchitectureId,
    /// Predicted latency, and the prediction's interval.
    pub latency_ms: (f64, f64, f64),
    /// Share of its layers that were measured.
    pub coverage: f64,
    /// Seed of its training.
    pub seed: u64,
    /// Times it was given to a worker.
    pub attempts: u32,
    /// What came of it so far.
    pub outcome: TrialOutcome,
    /// Measured latency of the whole network.
    pub measured_ms: Option<f64>,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialOutcome {
    /// Not trained yet, or not to the end.
    Pending,
    /// Trained.
    Finished(TrainResult),
    /// No network came out.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Trial {
    /// Validation top-1 in percent, where trained.
    pub fn accuracy(&self) -> Option<f64> {
        match &self.outcome {
            TrialOutcome::Finished(result) => Some(result.accuracy),
            TrialOutcome::Pending | TrialOutcome::Failed { .. } => None,
        }
    }

    /// Whether nothing is left to be done.
    pub fn is_settled(&self) -> bool {
        self.outcome != TrialOutcome::Pending
    }

    /// Whether it is a candidate of the search.
    pub fn is_candidate(&self) -> bool {
        self.kind == TrialKind::Candidate
    }
}

/// A study as its journal tells it.
#[derive(Debug, Clone, Default)]
pub struct StudyState {
    /// All trials by number.
    pub trials: BTreeMap<u64, Trial>,
    /// What was loaded, once it was.
    pub data: Option<Ready>,
    /// Networks that candidates have proposed, so that none is trained twice.
    proposed: HashSet<ArchitectureId>,
}

impl StudyState {
    /// Plays a journal from its start; an event that contradicts the ones before it is named.
    pub fn replay(events: &[Event]) -> Result<Self, String> {
        let mut state = Self::default();
        for event in events {
            state.apply(event)?;
        }
        Ok(state)
    }

    /// Takes note of one more event.
    pub fn apply(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Data(ready) => self.data = Some((**ready).clone()),
            Event::Proposed {
                trial,
                kind,
                architecture,
                latency_ms,
                low_ms,
                high_ms,
                coverage,
                seed,
            } => {
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
                if *kind == TrialKind::Candidate {
                    self.proposed.insert(id);
                }
                let proposal = Trial {
                    number: *trial,
                    kind: kind.clone(),
                    architecture,
                    id,
                    latency_ms: (*latency_ms, *low_ms, *high_ms),
                    coverage: *coverage,
                    seed: *seed,
                    attempts: 0,
                    outcome: TrialOutcome::Pending,
                    measured_ms: None,
                };
                self.trials.insert(*trial, proposal);
            }
            Event::Started { trial, attempt } => self.trial_mut(*trial)?.attempts = *attempt,
            Event::Finished { trial, result } => self.settle(*trial, TrialOutcome::Finished(result.clone()))?,
            Event::Failed { trial, reason } => {
                self.settle(*trial, TrialOutcome::Failed { reason: reason.clone() })?;
            }
            Event::Measured { trial, latency_ms } => self.trial_mut(*trial)?.measured_ms = Some(*latency_ms),
        }
        Ok(())
    }

    fn settle(&mut self, number: u64, outcome: TrialOutcome) -> Result<(), String> {
        let trial = self.trial_mut(number)?;
        if trial.is_settled() {
            return Err(format!("trial {number} ends twice"));
        }
        trial.outcome = outcome;
        Ok(())
    }

    fn trial_mut(&mut self, number: u64) -> Result<&mut Trial, String> {
        self.trials
            .get_mut(&number)
            .ok_or_else(|| format!("trial {number} was never proposed"))
    }

    /// The candidates in the order they were proposed.
    pub fn candidates(&self) -> impl Iterator<Item = &Trial> {
        self.trials.values().filter(|trial| trial.is_candidate())
    }

    /// The references in the order they were proposed.
    pub fn references(&self) -> impl Iterator<Item = &Trial> {
        self.trials.values().filter(|trial| !trial.is_candidate())
    }

    /// Whether a candidate with this network was proposed.
    pub fn knows(&self, id: ArchitectureId) -> bool {
        self.proposed.contains(&id)
    }
}

#[cfg(test)]
mod tests;

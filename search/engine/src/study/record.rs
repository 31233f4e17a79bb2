//! A study on the disk: its folder, configuration, problem and journal, and the state derived from them.

use std::collections::HashSet;
use std::sync::Arc;

use mnas_space::random::derived_seed;
use mnas_space::{Architecture, ArchitectureId};

use super::config::{EvaluatorConfig, StudyConfig};
use super::error::StudyError;
use super::finals::{FinalEvent, FinalsConfig, Int8Result};
use super::folder::StudyFolder;
use super::halving::{Ladder, Promotion};
use super::journal::{Event, Journal};
use super::load::{load, replayed};
use super::references::{choose_parent_references, choose_references};
use super::selection::{best, front};
use super::state::StudyState;
use super::trial::Trial;
use super::trial_kind::TrialKind;
use crate::evaluator::Fidelity;
use crate::files;
use crate::problem::{Problem, Proposal};
use crate::worker::Ready;

/// One search with its folder, configuration, problem and journal.
#[derive(Debug)]
pub struct Study {
    pub(super) folder: StudyFolder,
    pub(super) config: StudyConfig,
    pub(super) problem: Arc<Problem>,
    pub(super) journal: Journal,
    pub(super) state: StudyState,
    /// Lock on the folder while this process works on the study.
    pub(super) _lock: std::fs::File,
}

impl Study {
    /// Opens an existing study to continue it.
    pub fn open(folder: StudyFolder) -> Result<Self, StudyError> {
        let lock = folder.lock()?;
        files::remove_partial_files(folder.root());
        let (config, problem) = load(&folder)?;
        let (journal, entries) = Journal::open(&folder.journal())?;
        let state = replayed(&folder, &entries)?;
        Ok(Self {
            folder,
            config,
            problem: Arc::new(problem),
            journal,
            state,
            _lock: lock,
        })
    }

    /// Folder of its files.
    pub fn folder(&self) -> &StudyFolder {
        &self.folder
    }

    /// Its configuration.
    pub fn config(&self) -> &StudyConfig {
        &self.config
    }

    /// Its problem.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Its state so far.
    pub fn state(&self) -> &StudyState {
        &self.state
    }

    /// Changes the number of candidates to evaluate.
    pub fn set_trials(&mut self, trials: usize) -> Result<(), StudyError> {
        self.set_config(StudyConfig {
            trials,
            ..self.config.clone()
        })
    }

    /// Changes the settings of final trainings; without effect in a study that does not train its candidates.
    pub fn set_finals(&mut self, finals: FinalsConfig) -> Result<(), StudyError> {
        let mut config = self.config.clone();
        if let EvaluatorConfig::Train(training) = &mut config.evaluator {
            training.finals = Some(finals);
        }
        self.set_config(config)
    }

    fn set_config(&mut self, config: StudyConfig) -> Result<(), StudyError> {
        let text = config.to_toml();
        let path = self.folder.config();
        if let Err(error) = config.check() {
            return Err(StudyError::Config { path, text, error });
        }
        files::write_atomically(&path, text.as_bytes())?;
        self.config = config;
        Ok(())
    }

    /// Records the start of a process with this command line.
    pub fn begin_session(&mut self, command: Vec<String>) -> Result<(), StudyError> {
        let mnas = env!("CARGO_PKG_VERSION").to_owned();
        self.record(&Event::Session { command, mnas })?;
        Ok(self.journal.commit()?)
    }

    /// Records the facts about the images, or compares them with those that the study began with.
    pub fn check_data(&mut self, found: &Ready) -> Result<(), StudyError> {
        match self.state.data() {
            None => {
                self.record(&Event::Data(Box::new(found.clone())))?;
                Ok(self.journal.commit()?)
            }
            Some(before) if is_same_data(before, found) => Ok(()),
            Some(before) => Err(StudyError::DataChanged {
                before: before.description.clone(),
                now: found.description.clone(),
            }),
        }
    }

    /// Records the latency of a trial's network measured whole on a device of the problem.
    pub fn record_measurement(&mut self, trial: u64, device: usize, latency_ms: f64) -> Result<(), StudyError> {
        self.record(&Event::Measured {
            trial,
            device,
            latency_ms,
        })?;
        Ok(self.journal.commit()?)
    }

    /// Records the evaluation of a finalist in 8-bit integers.
    pub fn record_int8(&mut self, number: u64, result: Int8Result) -> Result<(), StudyError> {
        self.record(&Event::Final(FinalEvent::Int8 { number, result }))?;
        Ok(self.journal.commit()?)
    }

    /// The non-dominated trials that keep every constraint, references included, in ascending order of the first objective
    /// that is not accuracy.
    pub fn front(&self) -> Vec<&Trial> {
        front(&self.problem, self.state.trials())
    }

    /// The most accurate trial that keeps every constraint (by measured latency where it exists), references included; of equals
    /// the one with the least latency, then the earliest. Trials of the highest fidelity that has a result come before all others.
    pub fn best(&self) -> Option<&Trial> {
        best(&self.problem, self.state.trials().iter())
    }

    /// Appends an event to the journal and applies it to the state; both change nowhere else.
    pub(super) fn record(&mut self, event: &Event) -> Result<(), StudyError> {
        let at = self.journal.append(event)?;
        self.state
            .apply(event, at)
            .map_err(|problem| StudyError::Contradiction {
                path: self.journal.path().to_path_buf(),
                problem,
            })
    }

    /// Records a candidate as the next trial.
    pub(super) fn record_candidate(&mut self, proposal: &Proposal) -> Result<u64, StudyError> {
        self.record_proposal(TrialKind::Candidate, proposal)
    }

    /// Records the longer training of a trial's network as the next trial.
    pub(super) fn record_promotion(&mut self, promotion: Promotion) -> Result<u64, StudyError> {
        let shorter = &self.state.trials()[promotion.trial as usize];
        let kind = shorter.kind.clone();
        let proposal = Proposal {
            architecture: shorter.architecture.clone(),
            costs: shorter.costs.clone(),
        };
        self.record_trial(kind, &proposal, promotion.fidelity, Some(promotion.trial))
    }

    fn record_proposal(&mut self, kind: TrialKind, proposal: &Proposal) -> Result<u64, StudyError> {
        let lowest = Ladder::of(&self.config).map_or(Fidelity::Full, |ladder| ladder.lowest());
        self.record_trial(kind, proposal, lowest, None)
    }

    fn record_trial(
        &mut self,
        kind: TrialKind,
        proposal: &Proposal,
        fidelity: Fidelity,
        start_from: Option<u64>,
    ) -> Result<u64, StudyError> {
        let trial = self.state.trials().len() as u64;
        self.record(&Event::Proposed {
            trial,
            kind,
            architecture: proposal.architecture.to_string(),
            costs: proposal.costs.clone(),
            seed: derived_seed(self.config.seed, "trial", trial),
            fidelity,
            start_from,
        })?;
        Ok(trial)
    }

    /// Proposes the references that the journal lacks; they are the first trials.
    pub(super) fn propose_references(&mut self) -> Result<(), StudyError> {
        if self.state.counts().candidates > 0 {
            return Ok(());
        }
        let metric = self.problem.size_metric();
        let bound = self.problem.size_goal();
        let mut value =
            |architecture: &Architecture| self.problem.costs(architecture).value(metric).unwrap_or(f64::INFINITY);
        let per_network = self.config.references.per_network;
        let mut chosen = choose_references(
            &self.problem.space,
            self.problem.classes,
            bound,
            per_network,
            &mut value,
        );
        if let Some(parent) = self.config.parent() {
            chosen.extend(choose_parent_references(
                &self.problem.space,
                &parent,
                self.problem.classes,
                bound,
                per_network,
                &mut value,
            ));
        }
        let known: HashSet<ArchitectureId> = self.state.references().map(|trial| trial.id).collect();
        for reference in chosen {
            if known.contains(&reference.architecture.id()) {
                continue;
            }
            let costs = self.problem.costs(&reference.architecture);
            let proposal = Proposal {
                architecture: reference.architecture,
                costs,
            };
            self.record_proposal(reference.kind, &proposal)?;
        }
        Ok(())
    }
}

fn is_same_data(one: &Ready, other: &Ready) -> bool {
    (&one.classes, &one.fingerprint) == (&other.classes, &other.fingerprint)
}

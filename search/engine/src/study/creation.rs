//! Creation of studies, with or without results of other studies.

use std::sync::Arc;

use super::config::StudyConfig;
use super::error::StudyError;
use super::folder::{NewFolder, StudyFolder};
use super::journal::{Event, Journal};
use super::record::Study;
use super::state::StudyState;
use super::warm_start::{ImportedTrial, WarmStart};
use crate::evaluator::Fidelity;
use crate::files;
use crate::problem::Problem;

impl Study {
    /// Creates a study in a new folder. The latency tables of the problem's devices lie there already
    /// ([`StudyFolder::latency_table`]).
    ///
    /// `study.toml` is written last and makes the folder a study.
    pub fn create(
        folder: NewFolder,
        config: StudyConfig,
        problem: Problem,
        space_toml: &str,
    ) -> Result<Self, StudyError> {
        Self::create_from(folder, config, problem, space_toml, WarmStart::default())
    }

    /// Creates a study that begins with results of other studies. They become its first trials; the folders of the other studies
    /// are not needed afterwards.
    pub fn create_from(
        folder: NewFolder,
        mut config: StudyConfig,
        problem: Problem,
        space_toml: &str,
        warm_start: WarmStart,
    ) -> Result<Self, StudyError> {
        config.warm_start = warm_start.studies;
        files::write_atomically(&folder.space(), space_toml.as_bytes())?;
        // Remains of an earlier attempt that was killed.
        files::remove_if_there(&folder.journal())?;
        let (mut journal, _) = Journal::open(&folder.journal())?;
        let mut state = StudyState::default();
        for (number, trial) in warm_start.trials.iter().enumerate() {
            import(&folder, &mut journal, &mut state, number as u64, trial)?;
        }
        journal.commit()?;
        files::write_atomically(&folder.config(), config.to_toml().as_bytes())?;
        let (folder, lock) = folder.keep();
        Ok(Self {
            folder,
            config,
            problem: Arc::new(problem),
            journal,
            state,
            _lock: lock,
        })
    }
}

/// Records a result of another study as the next trial of a new one, and copies its weights.
fn import(
    folder: &StudyFolder,
    journal: &mut Journal,
    state: &mut StudyState,
    number: u64,
    trial: &ImportedTrial,
) -> Result<(), StudyError> {
    if trial.weights.exists() {
        files::copy_file(&trial.weights, &folder.weights(number))?;
    }
    let events = [
        Event::Proposed {
            trial: number,
            kind: trial.kind.clone(),
            architecture: trial.proposal.architecture.to_string(),
            costs: trial.proposal.costs.clone(),
            seed: trial.seed,
            fidelity: Fidelity::Full,
            start_from: None,
        },
        Event::Finished {
            trial: number,
            result: trial.result.clone(),
            worker: trial.worker.clone(),
        },
    ];
    for event in events {
        let at = journal.append(&event)?;
        state.apply(&event, at).map_err(|problem| StudyError::Contradiction {
            path: journal.path().to_path_buf(),
            problem,
        })?;
    }
    Ok(())
}

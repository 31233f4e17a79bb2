//! Configuration, problem and state of a study from its files.

use mnas_latency::{LatencyError, LatencyModel};
use mnas_space::SearchSpace;

use super::config::StudyConfig;
use super::error::StudyError;
use super::folder::StudyFolder;
use super::journal::{Entry, Journal};
use super::state::StudyState;
use crate::files;
use crate::problem::{Problem, TargetDevice};

/// The configuration and the problem of an existing study.
pub fn load(folder: &StudyFolder) -> Result<(StudyConfig, Problem), StudyError> {
    let path = folder.config();
    let text = files::read_text(&path)?;
    let config = match StudyConfig::from_toml(&text) {
        Ok(config) => config,
        Err(error) => return Err(StudyError::Config { path, text, error }),
    };
    let path = folder.space();
    let text = files::read_text(&path)?;
    let space = match SearchSpace::from_toml(&text) {
        Ok(space) => space,
        Err(error) => return Err(StudyError::Space { path, text, error }),
    };
    let problem = problem_of(folder, &config, space)?;
    Ok((config, problem))
}

/// The problem of a configuration, with the latency tables in the folder.
pub fn problem_of(folder: &StudyFolder, config: &StudyConfig, space: SearchSpace) -> Result<Problem, StudyError> {
    let devices = config.devices.iter().enumerate().map(|(index, device)| {
        Ok(TargetDevice {
            name: device.name.clone(),
            latency: LatencyModel::load(&folder.latency_table(index))?,
            budget: device.budget,
        })
    });
    let devices = devices.collect::<Result<Vec<_>, LatencyError>>()?;
    let objectives = config.metrics().map_err(|error| StudyError::Config {
        path: folder.config(),
        text: config.to_toml(),
        error: error.into(),
    })?;
    let limits = config.limits.constraints();
    let problem = Problem::new(space, config.classes, devices, objectives, limits);
    Ok(match config.reward {
        Some(reward) => problem.with_reward(reward),
        None => problem,
    })
}

/// The state of an existing study, from its journal; the study may be running.
pub fn replay(folder: &StudyFolder) -> Result<StudyState, StudyError> {
    replayed(folder, &Journal::read(&folder.journal())?)
}

/// The state that follows from the entries of a journal.
pub(super) fn replayed(folder: &StudyFolder, entries: &[Entry]) -> Result<StudyState, StudyError> {
    StudyState::replay(entries).map_err(|problem| StudyError::Contradiction {
        path: folder.journal(),
        problem,
    })
}

//! Results of other studies with which a new study begins.
//!
//! An accuracy is imported only where the new study would find the same one: the space, the classes and the source of
//! accuracies have to be equal. Devices, budgets, objectives, strategy and seed may differ; costs are
//! those of the new problem.

mod config;
#[cfg(test)]
mod tests;

pub use config::WarmStartConfig;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::config::{EvaluatorConfig, StudyConfig};
use super::error::StudyError;
use super::folder::{FolderError, StudyFolder};
use super::load::{load, replay};
use super::state::StudyState;
use super::trial::{Trial, TrialOutcome};
use super::trial_kind::TrialKind;
use crate::evaluator::{Evaluation, Fidelity, RecordedTable, TableError};
use crate::problem::{Problem, Proposal};
use crate::worker::Ready;
use mnas_space::SearchSpace;

/// A result of another study.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedTrial {
    /// A candidate imported, or a reference.
    pub kind: TrialKind,
    /// The network with its costs in the new problem.
    pub proposal: Proposal,
    /// Seed of its evaluation.
    pub seed: u64,
    /// The result.
    pub result: Evaluation,
    /// The worker that evaluated it.
    pub worker: String,
    /// File of its weights, which may be missing.
    pub weights: PathBuf,
}

/// Results of other studies, each network once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WarmStart {
    /// The results in the order of the studies and of their trials.
    pub trials: Vec<ImportedTrial>,
    /// The studies with their numbers of results, for the configuration.
    pub studies: Vec<WarmStartConfig>,
}

/// A study whose results cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum WarmStartError {
    /// The folder holds no study.
    #[error("warm start: {} holds no study (no study.toml); give the folder of a study", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// The study is the one that is to begin.
    #[error(
        "warm start: {} is the folder of the new study itself; continue a study with --resume, or choose another folder with --out",
        path.display()
    )]
    Itself {
        /// The folder.
        path: PathBuf,
    },
    /// Its accuracies are not comparable with those of the new study.
    #[error("warm start: {}: {difference}; {remedy}", path.display())]
    Differs {
        /// The file that shows the difference.
        path: PathBuf,
        /// The difference.
        difference: String,
        /// The remedy.
        remedy: String,
    },
    /// The study cannot be read.
    #[error("warm start: {0}")]
    Study(Box<StudyError>),
    /// The table of the new study cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl From<StudyError> for WarmStartError {
    fn from(error: StudyError) -> Self {
        Self::Study(Box::new(error))
    }
}

/// Properties of the new study that decide which results are imported.
#[derive(Debug)]
pub struct WarmStartTarget<'a> {
    /// Its folder.
    pub root: &'a Path,
    /// Its configuration.
    pub config: &'a StudyConfig,
    /// Its problem.
    pub problem: &'a Problem,
    /// Its images, where it trains.
    pub data: Option<&'a Ready>,
}

impl WarmStartTarget<'_> {
    /// Collects the finished trials of studies.
    ///
    /// Candidates that break a constraint of the new problem, shortened trainings and networks already collected are left out.
    pub fn collect(&self, studies: &[PathBuf]) -> Result<WarmStart, WarmStartError> {
        let mut collected = WarmStart::default();
        let mut known = HashSet::new();
        let table = match &self.config.evaluator {
            EvaluatorConfig::Table { path } if !studies.is_empty() => Some(RecordedTable::read(path)?),
            _ => None,
        };
        for path in studies {
            let (folder, config) = open(path, self.root, &self.problem.space)?;
            let state = replay(&folder)?;
            self.check_evaluator(&folder, &config, &state)?;
            let before = collected.trials.len();
            for trial in state.trials() {
                let Some(imported) = self.import(&folder, trial) else {
                    continue;
                };
                if let Some(table) = &table {
                    check_against(table, &folder, trial, imported.result.accuracy)?;
                }
                if known.insert(trial.id) {
                    collected.trials.push(imported);
                }
            }
            collected.studies.push(WarmStartConfig {
                study: path.clone(),
                trials: collected.trials.len() - before,
            });
        }
        Ok(collected)
    }

    /// Compares classes and the sources of accuracies; values of tables are compared trial by trial.
    fn check_evaluator(
        &self,
        folder: &StudyFolder,
        config: &StudyConfig,
        state: &StudyState,
    ) -> Result<(), WarmStartError> {
        if config.classes != self.config.classes {
            return Err(WarmStartError::Differs {
                path: folder.config(),
                difference: format!(
                    "its networks have {} classes, those of this study {}",
                    config.classes, self.config.classes
                ),
                remedy: "use the same data, or leave this study out".to_owned(),
            });
        }
        let differs = |difference: &str| WarmStartError::Differs {
            path: folder.config(),
            difference: difference.to_owned(),
            remedy:
                "accuracies found in another way cannot be compared; search with the same evaluator, data and recipe, \
                     or leave this study out"
                    .to_owned(),
        };
        match (&self.config.evaluator, &config.evaluator) {
            (EvaluatorConfig::Table { .. }, EvaluatorConfig::Table { .. }) => Ok(()),
            (EvaluatorConfig::Train(ours), EvaluatorConfig::Train(theirs)) => {
                if ours.recipe != theirs.recipe {
                    return Err(differs(&format!(
                        "its recipe `{}` is not the recipe `{}` of this study",
                        theirs.recipe.name, ours.recipe.name
                    )));
                }
                if ours.halving.is_some() || theirs.halving.is_some() {
                    return Err(differs(
                        "trainings in the rungs of successive halving are no plain trainings by the recipe",
                    ));
                }
                if ours.proxy != theirs.proxy {
                    return Err(differs(
                        "its networks were trained at another share of their resolution",
                    ));
                }
                match (self.data, state.data()) {
                    (Some(ours), Some(theirs)) if ours.fingerprint != theirs.fingerprint => Err(differs(&format!(
                        "it was trained on other images ({}, not {})",
                        theirs.description, ours.description
                    ))),
                    _ => Ok(()),
                }
            }
            (ours, theirs) if ours == theirs => Ok(()),
            _ => Err(differs("its accuracies have another source")),
        }
    }

    /// A trial's result in the new study; `None` where it has none, or may not be tried there.
    fn import(&self, folder: &StudyFolder, trial: &Trial) -> Option<ImportedTrial> {
        let TrialOutcome::Finished(result) = &trial.outcome else {
            return None;
        };
        if trial.fidelity != Fidelity::Full || !result.accuracy.is_finite() {
            return None;
        }
        let (kind, proposal) = match &trial.kind {
            TrialKind::Reference { .. } => {
                let costs = self.problem.costs(&trial.architecture);
                let architecture = trial.architecture.clone();
                (trial.kind.clone(), Proposal { architecture, costs })
            }
            TrialKind::Candidate | TrialKind::Imported { .. } => {
                let imported = TrialKind::Imported {
                    study: folder.root().display().to_string(),
                    trial: trial.number,
                };
                (imported, self.problem.admit(trial.architecture.clone()).ok()?)
            }
        };
        Some(ImportedTrial {
            kind,
            proposal,
            seed: trial.seed,
            result: result.clone(),
            worker: trial.worker.clone(),
            weights: folder.weights(trial.number),
        })
    }
}

/// Checks, before the new study is set up, that studies exist and searched this space.
pub fn check_warm_start(studies: &[PathBuf], root: &Path, space: &SearchSpace) -> Result<(), WarmStartError> {
    studies.iter().try_for_each(|path| open(path, root, space).map(|_| ()))
}

/// Opens a study that searched the same space as the new one in `root`.
fn open(path: &Path, root: &Path, space: &SearchSpace) -> Result<(StudyFolder, StudyConfig), WarmStartError> {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if canonical(path) == canonical(root) {
        return Err(WarmStartError::Itself {
            path: path.to_path_buf(),
        });
    }
    let folder = StudyFolder::open(path).map_err(|error| match error {
        FolderError::Missing { path } => WarmStartError::Missing { path },
        other => StudyError::from(other).into(),
    })?;
    let (config, problem) = load(&folder)?;
    let theirs = &problem.space;
    if (&theirs.families, theirs.early_strides_removed) == (&space.families, space.early_strides_removed) {
        return Ok((folder, config));
    }
    let difference = if theirs.name == space.name {
        format!("the study searched another version of space `{}`", space.name)
    } else {
        format!(
            "the study searched space `{}`, this one searches `{}`",
            theirs.name, space.name
        )
    };
    Err(WarmStartError::Differs {
        remedy: format!(
            "search the same space with --space {}, or leave this study out",
            folder.space().display()
        ),
        path: folder.space(),
        difference,
    })
}

/// Refuses an accuracy that the table of the new study does not hold.
fn check_against(
    table: &RecordedTable,
    folder: &StudyFolder,
    trial: &Trial,
    accuracy: f64,
) -> Result<(), WarmStartError> {
    let held = table.accuracy(&trial.architecture);
    if held == Some(accuracy) {
        return Ok(());
    }
    let held = held.map_or_else(|| "lacks this network".to_owned(), |held| format!("holds {held} %"));
    Err(WarmStartError::Differs {
        path: folder.journal(),
        difference: format!(
            "trial {} has {accuracy} %, the table of this study {held}",
            trial.number
        ),
        remedy: "search the same table, or leave this study out".to_owned(),
    })
}

//! A study: one search, in one folder, from its configuration to its front.
//!
//! [`Study`] is the whole: it is created or opened, and run with an evaluator to a [`StopReason`]. `config` says what is asked
//! for, `folder` where files lie, `journal` what has happened (the truth, everything else can be rebuilt from it), `state`
//! what follows from the journal, `proposer` which candidate is next, `runner` makes it happen; `warm_start` takes results of other
//! studies over.
//!
//! A study of a recorded table:
//!
//! ```
//! use mnas_engine::evaluator::FunctionEvaluator;
//! use mnas_engine::problem::{Metric, Problem};
//! use mnas_engine::study::{RunOptions, StopReason, Study, StudyConfig, StudyEvent, StudyFolder};
//! use mnas_space::SearchSpace;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let root = place.path().join("study");
//! let space_toml = SearchSpace::embedded("mobilenet-small-images").ok_or("no such space")?;
//! let space = SearchSpace::from_toml(space_toml)?;
//! let problem = Problem::new(space, 10, vec![], vec![Metric::Accuracy, Metric::Macs], vec![]);
//! let config = StudyConfig::for_table("toy", 30, "evolution", "toy.csv");
//! let mut study = Study::create(StudyFolder::create(&root)?, config, problem, space_toml)?;
//! // Any function of a network stands in for its training.
//! let mut evaluator = FunctionEvaluator::new(|trial| Ok((trial.architecture.cost().params as f64).ln()));
//! let stop = study.run(&mut evaluator, RunOptions::default(), &mut |_: &StudyEvent<'_>| {})?;
//! assert_eq!(stop, StopReason::Complete);
//! let best = study.best().ok_or("no candidate")?;
//! assert!(study.front().iter().any(|trial| trial.number == best.number));
//! println!("{} with {:?} %", best.architecture, best.accuracy());
//! # Ok(())
//! # }
//! ```

mod comparison;
mod config;
mod events;
mod finals;
mod folder;
mod journal;
mod proposer;
mod references;
mod retention;
mod runner;
mod state;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trial_kind;
mod warm_start;

pub use comparison::{Beside, FrontVolume, ReferenceComparison, compare_references, evaluations_until, front_volume};
pub use config::{
    ConfigError, DeviceConfig, EvaluatorConfig, Limits, References, ScoreConfig, StudyConfig, TrainConfig, WorkerConfig,
};
pub use events::{Observer, StopReason, StudyEvent};
pub use finals::{
    Choice, FinalEvent, FinalRole, Finalist, Finals, FinalsConfig, FinalsEvent, choose_finalists, ranked_networks,
};
pub use folder::{FolderError, NewFolder, StudyFolder};
pub use journal::{Entry, Event, JOURNAL_VERSION, Journal, JournalError};
pub use proposer::Refusals;
pub use references::{ChosenReference, choose_references};
pub use runner::RunOptions;
pub use state::{Counts, StudyState, Trial, TrialOutcome, TrialTimes};
pub use trial_kind::TrialKind;
pub use warm_start::{ImportedTrial, WarmStart, WarmStartConfig, WarmStartError, WarmStartTarget, check_warm_start};

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mnas_latency::{LatencyError, LatencyModel};
use mnas_space::{ArchitectureId, DocumentError, SearchSpace};

use crate::evaluator::{Evaluator, EvaluatorError};
use crate::files::{self, FileError};
use crate::front::pareto_front;
use crate::problem::{Metric, Problem, Proposal, TargetDevice};
use crate::worker::Ready;
use finals::FinalRun;
use mnas_space::random::derived_seed;
use proposer::Proposer;
use runner::Run;

/// An error that ends a study's run.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The configuration.
    #[error("{}: {error}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// The error in it.
        error: ConfigError,
    },
    /// The search space.
    #[error("{}: {error}", path.display())]
    Space {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// The error in it.
        error: DocumentError,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal contradicts itself.
    #[error("{}: {problem}; restore the file from a copy, or start a new study", path.display())]
    Contradiction {
        /// The journal.
        path: PathBuf,
        /// The contradiction.
        problem: String,
    },
    /// The evaluator.
    #[error(transparent)]
    Evaluator(#[from] EvaluatorError),
    /// The images are not those the study began with.
    #[error("the data set changed since the study began: it had {before}, now {now}; restore it, or start a new study")]
    DataChanged {
        /// Description when the study began.
        before: String,
        /// Description now.
        now: String,
    },
    /// A latency table.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
}

/// One search with its folder, configuration, problem and journal.
#[derive(Debug)]
pub struct Study {
    folder: StudyFolder,
    config: StudyConfig,
    problem: Arc<Problem>,
    journal: Journal,
    state: StudyState,
    /// Held while this process works on the study.
    _lock: std::fs::File,
}

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

    /// Creates a study that begins with results of other studies. They are its first trials, and nothing of it needs the
    /// other studies' folders later.
    pub fn create_from(
        folder: NewFolder,
        mut config: StudyConfig,
        problem: Problem,
        space_toml: &str,
        warm_start: WarmStart,
    ) -> Result<Self, StudyError> {
        config.warm_start = warm_start.studies;
        files::write_atomically(&folder.space(), space_toml.as_bytes())?;
        // What an attempt that was killed here has left.
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

    /// Opens an existing study to go on with it.
    pub fn open(folder: StudyFolder) -> Result<Self, StudyError> {
        let lock = folder.lock()?;
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

    /// Changes the final trainings of a study that trains its candidates; those of others stay away.
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

    /// Records that a process with this command line begins to work on the study.
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

    /// Evaluates references and candidates until there are no more, or the options stop it.
    ///
    /// Killed at any moment and run again, a study ends with the same trials: candidates follow from the seed and the results
    /// of earlier trials, never from timing or the number of workers.
    pub fn run(
        &mut self,
        evaluator: &mut dyn Evaluator,
        options: RunOptions<'_>,
        observer: &mut dyn Observer,
    ) -> Result<StopReason, StudyError> {
        let strategy = self.config.strategy.build();
        let problem = Arc::clone(&self.problem);
        let mut proposer = Proposer::new(&problem, strategy.as_ref(), self.config.seed, self.config.lookahead);
        Run::new(self, evaluator, observer).run(&mut proposer, options)
    }

    /// Trains chosen networks to the end that were not yet, in their order, and records the results. `evaluator` is one of the
    /// final recipe; `cancel` stops it.
    ///
    /// Killed at any moment and run again, it goes on with the trainings that are left.
    pub fn train_finalists(
        &mut self,
        chosen: &[Choice],
        evaluator: &mut dyn Evaluator,
        cancel: &AtomicBool,
        observer: &mut dyn FnMut(&FinalsEvent<'_>),
    ) -> Result<StopReason, StudyError> {
        FinalRun::new(self, evaluator, observer).run(chosen, cancel)
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

    /// The non-dominated trials that keep every constraint, references included, in ascending order of the first objective
    /// that is not accuracy.
    pub fn front(&self) -> Vec<&Trial> {
        front(&self.problem, self.state.trials())
    }

    /// The most accurate trial that keeps every constraint (as measured where it was measured), whoever proposed it; of
    /// equals the one with the least latency, then the earliest.
    pub fn best(&self) -> Option<&Trial> {
        best(&self.problem, self.state.trials().iter())
    }

    /// Journal and state change here, and nowhere else.
    fn record(&mut self, event: &Event) -> Result<(), StudyError> {
        let at = self.journal.append(event)?;
        self.state
            .apply(event, at)
            .map_err(|problem| StudyError::Contradiction {
                path: self.journal.path().to_path_buf(),
                problem,
            })
    }

    fn record_candidate(&mut self, proposal: &Proposal) -> Result<u64, StudyError> {
        self.record_proposal(TrialKind::Candidate, proposal)
    }

    fn record_proposal(&mut self, kind: TrialKind, proposal: &Proposal) -> Result<u64, StudyError> {
        let trial = self.state.trials().len() as u64;
        self.record(&Event::Proposed {
            trial,
            kind,
            architecture: proposal.architecture.to_string(),
            costs: proposal.costs.clone(),
            seed: derived_seed(self.config.seed, "trial", trial),
            fidelity: crate::evaluator::Fidelity::Full,
        })?;
        Ok(trial)
    }

    /// Proposes the references that the journal lacks; they are the first trials.
    fn propose_references(&mut self) -> Result<(), StudyError> {
        if self.state.counts().candidates > 0 {
            return Ok(());
        }
        let metric = self.problem.size_metric();
        let bound = self.problem.bound(metric);
        let mut value = |architecture: &mnas_space::Architecture| {
            self.problem.costs(architecture).value(metric).unwrap_or(f64::INFINITY)
        };
        let per_network = self.config.references.per_network;
        let chosen = choose_references(
            &self.problem.space,
            self.problem.classes,
            bound,
            per_network,
            &mut value,
        );
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
            fidelity: crate::evaluator::Fidelity::Full,
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
    Ok(Problem::new(
        space,
        config.classes,
        devices,
        objectives,
        config.limits.constraints(),
    ))
}

/// The state of an existing study, from its journal; the study may be running.
pub fn replay(folder: &StudyFolder) -> Result<StudyState, StudyError> {
    replayed(folder, &Journal::read(&folder.journal())?)
}

fn replayed(folder: &StudyFolder, entries: &[Entry]) -> Result<StudyState, StudyError> {
    StudyState::replay(entries).map_err(|problem| StudyError::Contradiction {
        path: folder.journal(),
        problem,
    })
}

/// The non-dominated trials that keep every constraint.
pub fn front<'a>(problem: &Problem, trials: &'a [Trial]) -> Vec<&'a Trial> {
    let (members, points): (Vec<&Trial>, Vec<Vec<f64>>) = trials
        .iter()
        .filter_map(|trial| {
            let costs = trial.known_costs();
            let point = problem.point(&costs, Some(trial.accuracy()?))?;
            problem.violation(&costs).is_none().then_some((trial, point))
        })
        .unzip();
    let mut found: Vec<usize> = pareto_front(&points);
    let cost = problem.objectives.iter().position(|metric| *metric != Metric::Accuracy);
    if let Some(cost) = cost {
        found.sort_by(|one, other| points[*one][cost].total_cmp(&points[*other][cost]));
    }
    found.into_iter().map(|index| members[index]).collect()
}

/// The most accurate of these trials that keeps every constraint.
pub fn best<'a>(problem: &Problem, trials: impl Iterator<Item = &'a Trial>) -> Option<&'a Trial> {
    let latency = |trial: &Trial| trial.known_costs().value(Metric::Latency(0)).unwrap_or(0.0);
    trials
        .filter(|trial| trial.accuracy().is_some_and(|accuracy| !accuracy.is_nan()))
        .filter(|trial| problem.violation(&trial.known_costs()).is_none())
        .min_by(|one, other| {
            let accuracy = |trial: &Trial| trial.accuracy().unwrap_or(f64::NEG_INFINITY);
            accuracy(other)
                .total_cmp(&accuracy(one))
                .then(latency(one).total_cmp(&latency(other)))
                .then(one.number.cmp(&other.number))
        })
}

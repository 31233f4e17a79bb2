//! A study: one search, in one folder, from its configuration to its front.
//!
//! [`Study`] is the whole: it is created or opened, and run with an evaluator to a [`StopReason`]. `config` holds the settings,
//! `folder` the paths of files, `journal` the events (the truth, from which everything else can be rebuilt), `state` the state
//! that follows from the journal; `record` holds them together. `creation` makes a study and `load` reads one, `proposer` chooses
//! the next trial, `halving` the trials that are continued, `runner` evaluates it; `warm_start` imports results of other studies.
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

mod attempts;
mod comparison;
mod config;
mod creation;
mod error;
mod events;
mod finals;
mod folder;
mod halving;
mod journal;
mod load;
mod parent;
mod proposer;
mod record;
mod references;
mod retention;
mod runner;
mod selection;
mod state;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod time_plan;
mod trial;
mod trial_kind;
mod warm_start;

pub use comparison::{Beside, FrontVolume, ReferenceComparison, compare_references, evaluations_until, front_volume};
pub use config::{
    ConfigError, DeviceConfig, EvaluatorConfig, Limits, References, ScoreConfig, SignalsConfig, StudyConfig,
    TrainConfig, WorkerConfig,
};
pub use error::StudyError;
pub use events::{Observer, StopReason, StudyEvent};
pub use finals::{
    Choice, FinalEvent, FinalRole, Finalist, Finals, FinalsConfig, FinalsEvent, Int8Latency, Int8Result,
    choose_finalists, ranked_networks,
};
pub use folder::{FolderError, NewFolder, StudyFolder};
pub use halving::Halving;
pub use journal::{Entry, Event, JOURNAL_VERSION, Journal, JournalError};
pub use load::{load, problem_of, replay};
pub use parent::ParentConfig;
pub use proposer::Refusals;
pub use record::Study;
pub use references::{ChosenReference, choose_parent_references, choose_references};
pub use runner::RunOptions;
pub use selection::{best, front, latest};
pub use state::{Counts, StudyState};
pub use time_plan::{PlanFacts, ShortTrainings, TimePlan, TimeTooShort, TrialCost};
pub use trial::{Trial, TrialOutcome, TrialTimes};
pub use trial_kind::TrialKind;
pub use warm_start::{ImportedTrial, WarmStart, WarmStartConfig, WarmStartError, WarmStartTarget, check_warm_start};

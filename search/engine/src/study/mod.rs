//! A study: one search, in one folder, from its configuration to its front.
//!
//! `config` says what is asked for, `folder` where things lie, `journal` what has happened (the truth, everything else
//! can be rebuilt from it), `state` what follows from the journal, `proposer` which candidate is next, `coordinator` makes
//! it happen, `outcome` turns the state into tables and plots.

mod config;
mod coordinator;
mod folder;
mod journal;
mod latency;
mod proposer;
mod references;
mod state;
#[cfg(test)]
mod testing;

pub use config::{ConfigError, References, StudyConfig, Versions};
pub use coordinator::{Coordinator, Ended, Report, SearchEvent, StudyError};
pub use folder::{FolderError, StudyFolder};
pub use journal::{Event, Journal, JournalError};
pub use latency::{
    Filled, LatencyModel, Purpose, calibration_networks, fastest, fill_table, freeze, reference_points,
    validation_networks,
};
pub use state::{StudyState, Trial, TrialKind, TrialOutcome};

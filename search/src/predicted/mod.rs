//! Fronts of predicted ImageNet top-1 beside the published networks: numbers, tables, figures and files.
//!
//! [`PredictedOutcome`] holds a front that [`mnas_engine::imagenet::search_front`] found, with every published network at
//! its published accuracy and its latency on the same device. [`outcome_text`] is the text that a search prints of it, [`panel`] and
//! [`figure`] draw it, [`write_files`] writes CSV files and pictures, and
//! [`overview`] draws the front beside a study that was trained. Accuracies of the front are predictions and are named so
//! everywhere; those of the published networks are their authors'.

mod figure;
mod files;
mod outcome;
mod overview;
mod published;
mod systems;
mod text;

pub use figure::{figure, legend, panel};
pub use files::write_files;
pub use outcome::{PredictedOutcome, Reference, thinned};
pub use overview::{Form, overview};
pub use published::{EMPHASISED, PublishedNetwork, family_lines, published_networks};
pub use systems::{PublishedSystem, published_systems};
pub use text::outcome_text;

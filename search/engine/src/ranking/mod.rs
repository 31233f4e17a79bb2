//! Ranking of candidates by cheap signals, and its measured agreement with true accuracies.
//!
//! A [`Signal`] is a number that costs little and may correlate with a candidate's accuracy; a [`Score`] is a mean of
//! standardised signals. [`Probe`] states at which width, resolution and batch signals of forward passes are measured. A
//! [`Truth`] holds networks of known accuracy, [`Agreement`] the rank correlations of scores with it, and [`held_out`] the
//! predictions of a Gaussian process from few true labels.

mod agreement;
mod correlation;
mod prediction;
mod probe;
mod score;
mod signal;
mod source;
mod truth;

pub use agreement::{Agreement, Estimate, RESAMPLES};
pub use correlation::{Correlation, correlate, kendall_tau, spearman_rho};
pub use prediction::{DRAWS, Labelled, held_out};
pub use probe::Probe;
pub use score::{Score, ScoreScale, Standard};
pub use signal::{Measured, Signal, UnknownSignal};
pub use source::SignalSource;
pub use truth::{KnownNetwork, Truth, TruthError};

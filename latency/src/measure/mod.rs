//! Measurement on a machine with varying speed and other load.
//!
//! A machine's speed drifts (turbo, heat, other programs) by more than the differences to be measured. Therefore a fixed small
//! network, the *anchor*, runs between all samples of a model, and each sample is divided by the slowdown of the anchor just before and
//! after it, relative to the anchor's *reference time*. The remainder is noise: samples are taken until the confidence interval of their
//! median is narrow enough, or a cap on samples or time is reached. Interrupted runs are counted and hardly affect the median.
//!
//! While models are loaded and run, the thread is pinned to the processor on which the [`Measurer`] was created, if the system
//! allows it.

mod anchor;
mod measurement;
mod measurer;
mod settings;
#[cfg(test)]
mod tests;
mod timed_model;

pub use anchor::ANCHOR;
pub(crate) use anchor::ANCHOR_NAME;
pub use measurement::Measurement;
pub use measurer::Measurer;
pub use settings::MeasureSettings;
pub use timed_model::TimedModel;

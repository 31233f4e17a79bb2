//! Regression of accuracies on the decisions of a search space, with uncertainty.
//!
//! [`Encoder`] writes a network as one code per site, aligned between families; [`Covariance`] compares codes with a scale
//! per kind of choice and adds linear terms in named columns; [`GaussianProcess`] is fitted to observations, its
//! hyper-parameters by marginal likelihood, and predicts means and standard deviations.

mod alphabet;
mod covariance;
mod encoder;
mod fit;
pub mod normal;
mod process;

pub use covariance::{Covariance, Hyperparameters};
pub use encoder::{Encoder, Encoding};
pub use process::{Belief, GaussianProcess, Sample};

#[cfg(test)]
mod tests;

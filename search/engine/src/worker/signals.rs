//! The request to measure signals of a network.

use serde::{Deserialize, Serialize};

use crate::ranking::Signal;

/// One measurement of signals, each in a forward pass of the network with random weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SignalsRequest {
    /// Network that is measured, as a string.
    pub architecture: String,
    /// The signals. Those that need images take them from the loaded training split.
    pub signals: Vec<Signal>,
    /// Images per forward pass.
    pub batch_size: usize,
    /// Seed of the weights, of the noise and of the choice of images.
    pub seed: u64,
    /// Threads of libtorch.
    pub threads: usize,
}

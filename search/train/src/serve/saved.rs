//! Networks with saved weights.

use std::path::Path;

use mnas_engine::training::TrainDevice;
use mnas_engine::training::weights::{Weights, WeightsInfo};
use mnas_space::Architecture;

use super::fault::Fault;
use crate::device::open_device;
use crate::network::Network;
use crate::weights::load_weights;

/// A network with the weights of a file.
pub(super) struct SavedNetwork {
    pub architecture: Architecture,
    pub network: Network,
    /// Information in the file about its weights.
    pub info: Option<WeightsInfo>,
}

impl SavedNetwork {
    /// Reads the weights of a network, given as a string, onto `device`.
    pub(super) fn read(weights: &Path, architecture: &str, device: TrainDevice) -> Result<Self, Fault> {
        let read = Weights::read(weights)?;
        let architecture: Architecture = architecture.parse().map_err(Fault::input)?;
        let mut network = Network::new(architecture.graph(), open_device(device)?, 0)?;
        load_weights(&read, &mut network, weights)?;
        Ok(Self {
            architecture,
            network,
            info: read.info,
        })
    }
}

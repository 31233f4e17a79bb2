//! Images of a worker.

use mnas_engine::training::{DataRequest, Normalization};

use crate::data::Splits;

/// Loaded images and the device that trains on them.
pub(super) struct Loaded {
    pub device: tch::Device,
    pub splits: Splits,
    pub normalization: Normalization,
    /// The request that the images were loaded by.
    pub data: DataRequest,
}

//! libtorch networks that inherit.

use mnas_engine::training::weights::Weights;
use mnas_space::Architecture;
use tch::Device;

use super::parent::{ClassRows, Inherited, Parent};
use crate::error::TrainError;
use crate::network::Network;
use crate::weights::{assign, values_of};

/// The network of `child` with what it inherits from `parent`; the rest is random, from `seed`.
///
/// Its batch-norm statistics have to be [recalibrated](super::recalibrate) before it is judged.
pub fn inherit(
    parent: &Parent,
    child: &Architecture,
    classes: &ClassRows,
    device: Device,
    seed: u64,
) -> Result<(Network, Inherited), TrainError> {
    let mut network = Network::new(child.graph(), device, seed)?;
    let inherited = parent.child(child, values_of(&network)?, classes)?;
    assign(&Weights::new(inherited.values.clone(), None), &mut network)?;
    Ok((network, inherited))
}

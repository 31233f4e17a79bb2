//! Copies between weight files and libtorch networks.

use std::collections::BTreeMap;
use std::path::Path;

use mnas_engine::training::weights::{Pretrained, Weights, WeightsError, WeightsInfo};
use tch::{Device, Kind, TchError, Tensor};

use crate::inheritance::Values;
use crate::network::Network;

/// Failure to put weights into a network.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// Copies the tensors of a network.
pub fn weights_of(network: &Network, info: WeightsInfo) -> Result<Weights, TchError> {
    Ok(Weights::new(values_of(network)?, Some(info)))
}

/// Copies the shapes and numbers of a network's tensors, by name.
pub(crate) fn values_of(network: &Network) -> Result<Values, TchError> {
    let mut values = Values::new();
    for (spec, tensor) in network.tensors() {
        let flat = tensor.detach().f_to_device(Device::Cpu)?.f_contiguous()?.f_view([-1])?;
        values.insert(spec.name.clone(), (spec.shape.clone(), Vec::<f32>::try_from(&flat)?));
    }
    Ok(values)
}

/// Copies weights into a network; `path` is named where they do not fit.
pub fn load_weights(weights: &Weights, network: &mut Network, path: &Path) -> Result<(), LoadError> {
    let fitted = weights.fitted(network.graph(), path)?;
    Ok(assign(&fitted, network)?)
}

/// A pretrained network on `device`; [`Network::tensors`] gives its tensors by name.
///
/// ```no_run
/// use mnas_engine::training::weights::Pretrained;
/// use mnas_train::pretrained_network;
/// let parent = Pretrained::read("parent.safetensors".as_ref(), None)?;
/// let network = pretrained_network(&parent, tch::Device::Cpu)?;
/// assert_eq!(network.tensors().count(), parent.matching.matches.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pretrained_network(pretrained: &Pretrained, device: Device) -> Result<Network, TchError> {
    let mut network = Network::new(pretrained.architecture.graph(), device, 0)?;
    assign(&pretrained.weights, &mut network)?;
    Ok(network)
}

/// Copies weights that fit the network.
pub(crate) fn assign(fitted: &Weights, network: &mut Network) -> Result<(), TchError> {
    let mut tensors = BTreeMap::new();
    for (name, shape, values) in fitted.tensors() {
        let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        let tensor = Tensor::f_from_slice(values)?
            .f_to_kind(Kind::Float)?
            .f_view(shape.as_slice())?;
        tensors.insert(name.to_owned(), tensor);
    }
    network.assign(&tensors)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod torchvision;

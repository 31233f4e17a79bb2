//! Signals of networks with random weights, each measured in one forward pass.
//!
//! Batch-norm uses the statistics of the batch, as at the first step of a training; nothing is trained.

mod cpu_time;
mod entropy;
mod naswot;

use mnas_engine::ranking::{Measured, Signal};
use mnas_space::Architecture;
use tch::{Device, Kind, TchError, Tensor};

use crate::network::{Network, channels_last, seeded};
use cpu_time::CpuTimer;

/// Inputs of the forward passes, each `[batch, 3, resolution, resolution]`.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// Normalised images, where a signal needs them.
    pub images: Option<Tensor>,
    /// Normally distributed pixels.
    pub noise: Tensor,
}

impl Inputs {
    /// Draws noise for a network by a seed, beside these images.
    pub(crate) fn new(
        images: Option<Tensor>,
        batch_size: usize,
        resolution: u32,
        device: Device,
        seed: u64,
    ) -> Result<Self, TchError> {
        let side = i64::from(resolution);
        let shape = [batch_size as i64, 3, side, side];
        let noise = seeded(seed, || Tensor::f_randn(shape, (Kind::Float, Device::Cpu)))?;
        Ok(Self {
            images,
            noise: channels_last(&noise)?.f_to_device(device)?,
        })
    }
}

/// Measures a signal of an architecture with weights drawn by a seed. A signal that needs images has no value without them.
pub(crate) fn measure(
    signal: Signal,
    architecture: &Architecture,
    inputs: &Inputs,
    device: Device,
    seed: u64,
) -> Result<Measured, TchError> {
    let timer = CpuTimer::start();
    let network = || Network::new(architecture.graph(), device, seed);
    let value = tch::no_grad(|| match (signal, &inputs.images) {
        (Signal::Macs | Signal::Params | Signal::Depth, _) => Ok(signal.of_architecture(architecture)),
        (Signal::Naswot, Some(images)) => naswot::measure(&network()?, images),
        (Signal::Naswot, None) => Ok(None),
        (Signal::Entropy, _) => entropy::measure(&network()?, architecture, &inputs.noise).map(Some),
    })?;
    Ok(Measured {
        signal,
        value: value.filter(|value| value.is_finite()),
        cpu_seconds: timer.seconds(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    const NETWORK: &str = "in16,conv_k3_s2_c8_nre,ir_r2_k3_s2_e3_c16_nhs,conv_k1_c32_nr6,head_o4";

    fn inputs(images: Option<Tensor>) -> Inputs {
        Inputs::new(images, 8, 16, Device::Cpu, 5).unwrap()
    }

    #[test]
    fn every_signal_has_a_value_that_its_seed_repeats() {
        let architecture = NETWORK.parse().unwrap();
        let inputs = inputs(Some(noise(8, 16, 1)));
        for signal in Signal::ALL {
            let value = |seed| measure(signal, &architecture, &inputs, Device::Cpu, seed).unwrap();
            let found = value(3);
            assert_eq!(found.signal, signal);
            assert!(found.value.is_some() && found.cpu_seconds >= 0.0, "{found:?}");
            assert_eq!(found.value, value(3).value);
            assert_eq!(found.value == value(4).value, signal.is_free());
        }
    }

    #[test]
    fn a_signal_of_images_has_no_value_without_them() {
        let architecture = NETWORK.parse().unwrap();
        let found = measure(Signal::Naswot, &architecture, &inputs(None), Device::Cpu, 0).unwrap();
        assert_eq!(found.value, None);
    }
}

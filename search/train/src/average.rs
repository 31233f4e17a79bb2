//! Exponential moving average of the weights of a network.

use tch::TchError;

use crate::network::Network;

/// A second network whose tensors are averages of those of the network in training, running statistics included.
///
/// After step `n` (from 0) they move by `1 - d` of the way, `d = min(decay, (1 + n) / (10 + n))`, so that the random initial weights are
/// forgotten soon, as in TensorFlow's implementation for the `MobileNet` papers.
#[derive(Debug)]
pub(crate) struct Average {
    network: Network,
    decay: f64,
}

impl Average {
    /// An average that starts at the present weights of a network.
    pub(crate) fn new(network: &Network, decay: f64) -> Result<Self, TchError> {
        Ok(Self {
            network: network.copy()?,
            decay,
        })
    }

    /// Moves the average towards the network after step `step`, counted from 0.
    pub(crate) fn update(&self, network: &Network, step: u64) -> Result<(), TchError> {
        let step = step as f64;
        let decay = self.decay.min((1.0 + step) / (10.0 + step));
        tch::no_grad(|| {
            for ((_, average), (_, current)) in self.network.tensors().zip(network.tensors()) {
                drop(average.shallow_clone().f_lerp_(current, 1.0 - decay)?);
            }
            Ok(())
        })
    }

    /// The averaged network.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{all_values, network, noise};

    #[test]
    fn the_average_follows_and_the_warm_up_forgets_the_start() {
        let network = network("in16,conv_k3_s2_c8_nhs,head_o4", 1);
        let average = Average::new(&network, 0.9999).unwrap();
        let start = all_values(&network);
        assert_eq!(all_values(average.network()), start);
        // A forward pass changes only the running statistics.
        drop(tch::no_grad(|| network.forward(&noise(4, 16, 2), true)).unwrap());
        let now = all_values(&network);
        average.update(&network, 0).unwrap();
        let mut moved = 0;
        for ((before, after), average) in start.iter().zip(&now).zip(all_values(average.network())) {
            for ((before, after), average) in before.iter().zip(after).zip(average) {
                assert!((0.1 * before + 0.9 * after - average).abs() < 1e-6);
                moved += usize::from(before.to_bits() != after.to_bits());
            }
        }
        assert!(moved >= 16, "{moved}");
        // Late in a training the average moves by 0.0001 of the way.
        let slow = Average::new(&network, 0.9999).unwrap();
        slow.update(&network, 1_000_000).unwrap();
        for (one, other) in all_values(slow.network()).concat().iter().zip(now.concat()) {
            assert!((one - other).abs() < 1e-6);
        }
    }
}

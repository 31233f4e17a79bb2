//! The network on which signals of forward passes are measured in place of the deployed one.

use mnas_space::{Architecture, Multipliers, Scaling, ScalingError, ScalingRule};
use serde::{Deserialize, Serialize};

use super::Signal;
use crate::worker::SignalsRequest;

/// Width, resolution and batch at which signals of forward passes are measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Probe {
    /// Factor of all channels.
    pub width: f64,
    /// Factor of the resolution, the same for all networks of a space.
    pub resolution_scale: f64,
    /// Images per forward pass.
    pub batch_size: usize,
    /// Seed of the weights, of the noise and of the choice of images.
    pub seed: u64,
}

/// Resolution in pixels above which networks are probed at a lower one.
const LARGEST_RESOLUTION: u32 = 96;

impl Probe {
    /// Half of the channels and 32 images; the largest resolution among the networks is lowered to 96 pixels, and the others
    /// in proportion.
    pub fn of_largest_resolution(resolution: u32, seed: u64) -> Self {
        Self {
            width: 0.5,
            resolution_scale: f64::min(1.0, f64::from(LARGEST_RESOLUTION) / f64::from(resolution.max(1))),
            batch_size: 32,
            seed,
        }
    }

    /// The network that is measured in place of `deployed`.
    ///
    /// # Panics
    ///
    /// Never: the rule is embedded and tested.
    pub fn network(&self, deployed: &Architecture) -> Result<Architecture, ScalingError> {
        let mut rule = ScalingRule::named("width").expect("the rule is embedded and tested");
        rule.head_width = Scaling::Always;
        let factors = Multipliers {
            width: self.width,
            depth: 1.0,
            resolution: self.resolution_scale,
        };
        rule.scale(deployed, factors)
    }

    /// The request for signals of a network, with one thread.
    pub fn request(&self, deployed: &Architecture, signals: &[Signal]) -> Result<SignalsRequest, ScalingError> {
        Ok(SignalsRequest {
            architecture: self.network(deployed)?.to_string(),
            signals: signals.to_vec(),
            batch_size: self.batch_size,
            seed: self.seed,
            threads: 1,
        })
    }

    /// Side of the images of a network deployed at `resolution`, in pixels.
    pub fn resolution(&self, resolution: u32) -> u32 {
        (f64::from(resolution) * self.resolution_scale).round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_and_large_resolutions_are_scaled_and_depth_is_not() {
        let deployed: Architecture = "in192,conv_k3_s2_c32_nre,ir_r2_k3_s2_e6_c64_nre,conv_k1_c1280_nre,head_o10"
            .parse()
            .unwrap();
        let probe = Probe::of_largest_resolution(192, 0);
        let probed = probe.network(&deployed).unwrap();
        assert_eq!(
            probed.to_string(),
            "in96,conv_k3_s2_c16_nre,ir_r2_k3_s2_e6_c32_nre,conv_k1_c640_nre,head_o10"
        );
        assert_eq!(probe.resolution(192), probed.resolution);
        let small = Probe::of_largest_resolution(32, 0);
        assert_eq!(small.network(&deployed).unwrap().resolution, 192);
    }
}

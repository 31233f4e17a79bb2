//! Training at less cost than the deployed network.

use mnas_space::Architecture;
use serde::{Deserialize, Serialize};

/// What is trained in place of the deployed network, to compare candidates at less cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Proxy {
    /// Training resolution as a share of the deployed one; a candidate's resolution keeps its meaning that way.
    pub resolution_scale: f64,
    /// How many of the earliest strides are removed.
    pub early_strides_removed: usize,
}

impl Proxy {
    /// What is trained is what is deployed.
    pub const DIRECT: Self = Self {
        resolution_scale: 1.0,
        early_strides_removed: 0,
    };

    /// Whether what is trained is what is deployed.
    pub fn is_direct(&self) -> bool {
        *self == Self::DIRECT
    }

    /// Training resolution of a network deployed at `resolution`, at least 8 pixels.
    pub fn resolution(&self, resolution: u32) -> u32 {
        ((f64::from(resolution) * self.resolution_scale).round() as u32).max(8)
    }

    /// The network as it is trained.
    pub fn apply(&self, deployed: &Architecture) -> Architecture {
        deployed
            .clone()
            .with_resolution(self.resolution(deployed.resolution))
            .without_early_strides(self.early_strides_removed)
    }
}

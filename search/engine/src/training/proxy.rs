//! Proxies: cheaper networks that are trained in place of the deployed ones.

use mnas_space::Architecture;
use serde::{Deserialize, Serialize};

/// Changes to the deployed network that make its training cheaper, to compare candidates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Proxy {
    /// Training resolution as a share of the deployed one, so that candidates of different resolutions stay different.
    pub resolution_scale: f64,
    /// Number of the earliest strides that are removed.
    pub early_strides_removed: usize,
}

impl Proxy {
    /// Trains the deployed network itself.
    pub const DIRECT: Self = Self {
        resolution_scale: 1.0,
        early_strides_removed: 0,
    };

    /// Returns true if the deployed network itself is trained.
    pub fn is_direct(&self) -> bool {
        *self == Self::DIRECT
    }

    /// Training resolution of a network deployed at `resolution`, at least 8 pixels.
    pub fn resolution(&self, resolution: u32) -> u32 {
        ((f64::from(resolution) * self.resolution_scale).round() as u32).max(8)
    }

    /// The network that is trained in place of `deployed`.
    pub fn apply(&self, deployed: &Architecture) -> Architecture {
        deployed
            .clone()
            .with_resolution(self.resolution(deployed.resolution))
            .without_early_strides(self.early_strides_removed)
    }
}

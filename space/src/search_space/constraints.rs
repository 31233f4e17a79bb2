//! Constraints on the networks of a space, for example by the memory of a microcontroller.

use std::fmt;

use serde::Deserialize;

use crate::cost::Cost;
use crate::key::BlockKey;

/// Limits on the networks of a space. Parameters and multiply-adds are counted for a single class, since the number of
/// classes depends on the user's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Constraints {
    /// Largest number of learnt parameters, batch-norm unfolded.
    pub max_params: Option<u64>,
    /// Largest number of multiply-adds for one image.
    pub max_macs: Option<u64>,
    /// Largest peak activation memory in bytes, with activations as 32-bit floats; as 8-bit integers they take a quarter.
    pub max_peak_activation_bytes: Option<u64>,
}

impl Constraints {
    /// Checks whether there are no limits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks whether a network of this cost, counted for a single class, is within the limits.
    pub fn admit(&self, cost: &Cost) -> bool {
        let within = |limit: Option<u64>, value: u64| limit.is_none_or(|limit| value <= limit);
        within(self.max_params, cost.params)
            && within(self.max_macs, cost.macs)
            && within(self.max_peak_activation_bytes, cost.peak_activation_bytes)
    }

    /// Checks whether the activation memory of a layer alone is within the limit.
    pub(super) fn admit_layer(&self, key: &BlockKey) -> bool {
        self.max_peak_activation_bytes
            .is_none_or(|limit| Cost::of(&key.graph()).peak_activation_bytes <= limit)
    }
}

/// Prints text such as `at most 1000000 parameters, 1048576 bytes of activations alive at once`.
impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = [
            (self.max_params, "parameters"),
            (self.max_macs, "multiply-adds"),
            (self.max_peak_activation_bytes, "bytes of activations alive at once"),
        ];
        let limits: Vec<String> = limits
            .into_iter()
            .filter_map(|(limit, what)| limit.map(|limit| format!("{limit} {what}")))
            .collect();
        if limits.is_empty() {
            return f.write_str("none");
        }
        write!(f, "at most {}", limits.join(", "))
    }
}

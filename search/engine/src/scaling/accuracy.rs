//! Source of the accuracies of scaled networks.

use mnas_space::Architecture;

/// Accuracy of a network in percent, or the reason why there is none.
pub type Accuracy<'a> = dyn FnMut(&Architecture) -> Result<f64, String> + 'a;

//! Signals of forward passes for a search under way.

use std::fmt;

use mnas_space::Architecture;

/// Measures the signals of forward passes that a study's strategy uses.
pub trait SignalSource: fmt::Debug + Send + Sync {
    /// Values of the study's signals for each network, in the order of the signals; `None` where they are not defined, or were not
    /// measured.
    ///
    /// A value is a function of the network alone, so that a study that is resumed proposes the same networks.
    fn measure(&self, networks: &[Architecture]) -> Vec<Option<Vec<f64>>>;
}

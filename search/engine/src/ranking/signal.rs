//! Signals by name.

use std::fmt;
use std::str::FromStr;

use mnas_space::{Architecture, Scope};
use serde::{Deserialize, Serialize};

/// A cheap number that may correlate with a candidate's accuracy; the higher, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Logarithm of the multiply-adds of one image.
    Macs,
    /// Logarithm of the number of parameters.
    Params,
    /// Number of blocks other than identities.
    Depth,
    /// Log-determinant of the Hamming kernel of binary activation codes (Mellor et al., arXiv:2006.04647, section 3).
    Naswot,
    /// Sum over blocks of the spectral entropy of their outputs (the expressivity of AZ-NAS, arXiv:2403.19232, section 3.1).
    Entropy,
}

/// The value of a signal for one network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Measured {
    /// The signal.
    pub signal: Signal,
    /// The value; `None` where the signal is not defined for the network or the images.
    pub value: Option<f64>,
    /// Processor time of the measurement in seconds.
    pub cpu_seconds: f64,
}

/// A name that is not that of a signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is not a signal; signals are {}, several may be joined by `+`, and `free` is macs+params+depth",
    Signal::ALL.map(Signal::name).join(", ")
)]
pub struct UnknownSignal {
    /// The name.
    pub name: String,
}

impl Signal {
    /// All signals.
    pub const ALL: [Self; 5] = [Self::Macs, Self::Params, Self::Depth, Self::Naswot, Self::Entropy];

    /// Name on the command line and in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Macs => "macs",
            Self::Params => "params",
            Self::Depth => "depth",
            Self::Naswot => "naswot",
            Self::Entropy => "entropy",
        }
    }

    /// Returns true if it follows from the architecture alone, without a forward pass.
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Macs | Self::Params | Self::Depth)
    }

    /// Returns true if it is measured on images.
    pub const fn needs_images(self) -> bool {
        matches!(self, Self::Naswot)
    }

    /// The value of a free signal; `None` for one that needs a forward pass.
    pub fn of_architecture(self, architecture: &Architecture) -> Option<f64> {
        let logarithm = |count: u64| (count.max(1) as f64).ln();
        match self {
            Self::Macs => Some(logarithm(architecture.cost().macs)),
            Self::Params => Some(logarithm(architecture.cost().params)),
            Self::Depth => Some(f64::from(depth(architecture))),
            Self::Naswot | Self::Entropy => None,
        }
    }
}

/// Number of blocks other than identities. An identity between different shapes is a convolution without activation, which
/// adds no depth.
fn depth(architecture: &Architecture) -> u32 {
    let layers = architecture.layers().filter(|layer| match layer.scope {
        Scope::Block(index) => architecture.blocks[usize::from(index)].kind() != "id" && !layer.key.is_nothing(),
        Scope::Head => false,
    });
    layers.count() as u32
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|signal| signal.name() == text);
        known.ok_or_else(|| UnknownSignal { name: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_signals_are_those_of_the_lowered_network() {
        let network: Architecture = "in32,conv_k3_s2_c16_nre,ir_r2_k3_s1_e3_c16_nre,head_o10"
            .parse()
            .unwrap();
        let cost = network.cost();
        assert_eq!(Signal::Macs.of_architecture(&network), Some((cost.macs as f64).ln()));
        assert_eq!(
            Signal::Params.of_architecture(&network),
            Some((cost.params as f64).ln())
        );
        assert_eq!(Signal::Depth.of_architecture(&network), Some(3.0));
        assert_eq!(Signal::Naswot.of_architecture(&network), None);
    }

    #[test]
    fn identities_add_no_depth() {
        let depth = |text: &str| Signal::Depth.of_architecture(&text.parse().unwrap());
        assert_eq!(depth("in32,conv_k3_c16_nre,id_c16,head_o10"), Some(1.0));
        assert_eq!(depth("in32,conv_k3_c16_nre,id_s2_c32,head_o10"), Some(1.0));
    }

    #[test]
    fn every_signal_has_a_name_and_unknown_names_list_them() {
        for signal in Signal::ALL {
            assert_eq!(signal.name().parse(), Ok(signal));
        }
        let error = "nsawot".parse::<Signal>().unwrap_err().to_string();
        for part in ["`nsawot`", "macs, params, depth, naswot, entropy", "free"] {
            assert!(error.contains(part), "{error}");
        }
    }
}

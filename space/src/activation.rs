//! Activation functions and squeeze-excite gates, with their codes in architecture strings and names in TOML.

use serde::{Deserialize, Serialize};

/// Activation function. Architecture ids depend on the order of the variants: append new variants at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6), the `MobileNetV1` and V2 activation.
    Relu6,
    /// x * relu6(x + 3) / 6 (`MobileNetV3`, arXiv:1905.02244, section 5.2).
    HardSwish,
    /// x * sigmoid(x), also called `SiLU`.
    Swish,
    /// x * Phi(x) (arXiv:1606.08415), with the exact cumulative distribution function Phi of the standard normal
    /// distribution, not the tanh approximation.
    Gelu,
}

impl Activation {
    /// All activations.
    pub const ALL: [Self; 5] = [Self::Relu, Self::Relu6, Self::HardSwish, Self::Swish, Self::Gelu];

    /// Two-letter code that follows `n` in an architecture string (`_nhs`).
    pub fn code(self) -> &'static str {
        match self {
            Self::Relu => "re",
            Self::Relu6 => "r6",
            Self::HardSwish => "hs",
            Self::Swish => "sw",
            Self::Gelu => "ge",
        }
    }

    /// Name in TOML documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::HardSwish => "hard-swish",
            Self::Swish => "swish",
            Self::Gelu => "gelu",
        }
    }

    /// Activation with this two-letter code; `None` if there is none.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.code() == code)
    }

    /// Activation with this name in TOML documents; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.name() == name)
    }
}

/// Gate of squeeze-excite: maps any number to a factor from 0 to 1. Architecture ids depend on the order of
/// the variants: append new variants at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// relu6(x + 3) / 6, as in `MobileNetV3`.
    HardSigmoid,
    /// 1 / (1 + exp(-x)), as in `MnasNet` and `EfficientNet`.
    Sigmoid,
}

impl Gate {
    /// All gates.
    pub const ALL: [Self; 2] = [Self::HardSigmoid, Self::Sigmoid];

    /// Two-letter code that follows `g` in an architecture string (`_gsi`).
    pub fn code(self) -> &'static str {
        match self {
            Self::HardSigmoid => "hs",
            Self::Sigmoid => "si",
        }
    }

    /// Name in TOML documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::HardSigmoid => "hard-sigmoid",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// Gate with this two-letter code; `None` if there is none.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.code() == code)
    }

    /// Gate with this name in TOML documents; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.name() == name)
    }
}

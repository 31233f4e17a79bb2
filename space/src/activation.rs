//! Activation functions and squeeze-excite gates, with their codes in architecture strings and names in TOML.

use serde::{Deserialize, Serialize};

/// The nonlinearity after a convolution.
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
}

impl Activation {
    /// Every activation.
    pub const ALL: [Self; 4] = [Self::Relu, Self::Relu6, Self::HardSwish, Self::Swish];

    /// The two-letter code that follows `n` in an architecture string (`_nhs`).
    pub fn code(self) -> &'static str {
        match self {
            Self::Relu => "re",
            Self::Relu6 => "r6",
            Self::HardSwish => "hs",
            Self::Swish => "sw",
        }
    }

    /// The activation with this two-letter code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.code() == code)
    }

    /// The scalar function, for tests and documentation plots.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Relu6 => x.clamp(0.0, 6.0),
            Self::HardSwish => x * Gate::HardSigmoid.apply(x),
            Self::Swish => x * Gate::Sigmoid.apply(x),
        }
    }
}

/// The function that turns squeeze-excite's output into a factor between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// relu6(x + 3) / 6, as in `MobileNetV3`.
    HardSigmoid,
    /// 1 / (1 + exp(-x)), as in `MnasNet` and `EfficientNet`.
    Sigmoid,
}

impl Gate {
    /// Every gate.
    pub const ALL: [Self; 2] = [Self::HardSigmoid, Self::Sigmoid];

    /// The two-letter code that follows `g` in an architecture string (`_gsi`).
    pub fn code(self) -> &'static str {
        match self {
            Self::HardSigmoid => "hs",
            Self::Sigmoid => "si",
        }
    }

    /// The gate with this two-letter code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.code() == code)
    }

    /// The scalar function.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }
}

//! Devices to train on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Device that libtorch trains on: the processor or an NVIDIA GPU, written `cpu`, `cuda:N`, or `cuda` for the first GPU.
///
/// On a GPU, convolutions and activations of a training are computed in 16-bit floats (bfloat16); weights, their gradients and
/// evaluations stay 32-bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum TrainDevice {
    /// The processor.
    #[default]
    Cpu,
    /// A GPU by its number, from 0.
    Cuda(usize),
}

/// A text that is not a device to train on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a device to train on; expected cpu, cuda, or cuda:N with the GPU's number from 0")]
pub struct TrainDeviceName(pub String);

impl fmt::Display for TrainDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for TrainDevice {
    type Err = TrainDeviceName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", index)) if index.bytes().all(|digit| digit.is_ascii_digit()) => index
                .parse()
                .map(Self::Cuda)
                .map_err(|_| TrainDeviceName(text.to_owned())),
            _ => Err(TrainDeviceName(text.to_owned())),
        }
    }
}

impl TryFrom<String> for TrainDevice {
    type Error = TrainDeviceName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TrainDevice> for String {
    fn from(device: TrainDevice) -> Self {
        device.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, device) in [
            ("cpu", TrainDevice::Cpu),
            ("cuda:0", TrainDevice::Cuda(0)),
            ("cuda:11", TrainDevice::Cuda(11)),
        ] {
            assert_eq!(text.parse(), Ok(device));
            assert_eq!(device.to_string(), text);
            assert_eq!(serde_json::to_string(&device).unwrap(), format!("\"{text}\""));
        }
        assert_eq!("cuda".parse(), Ok(TrainDevice::Cuda(0)));
        for text in [
            "",
            "gpu",
            "CPU",
            "cuda:",
            "cuda:-1",
            "cuda:+1",
            "cuda:0:1",
            "cpu:0",
            "cuda:99999999999999999999",
        ] {
            assert_eq!(text.parse::<TrainDevice>(), Err(TrainDeviceName(text.to_owned())));
        }
    }
}

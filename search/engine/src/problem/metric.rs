//! Numbers by which networks are compared.

use std::fmt;

/// A number by which networks are compared: an objective, or the quantity that a constraint bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Top-1 accuracy in percent, to be maximised; found by an evaluator.
    Accuracy,
    /// Latency in milliseconds on a device of the problem, by its index.
    Latency(usize),
    /// Multiply-adds of one image.
    Macs,
    /// Learnt parameters, batch-norm unfolded.
    Params,
    /// Peak activation memory of one image, in bytes.
    PeakActivationBytes,
    /// Size of the deployed weights as 32-bit floats with batch-norm folded, in bytes.
    FileBytes,
}

/// A text that is not the name of a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a metric; expected accuracy, latency{}, macs, params, peak-memory or file-size",
    latencies(.devices)
)]
pub struct MetricError {
    /// The text.
    pub text: String,
    /// Devices of the problem.
    pub devices: Vec<String>,
}

fn latencies(names: &[String]) -> String {
    let listed = names.iter().map(|name| format!(", latency:{name}"));
    if names.len() > 1 {
        listed.collect()
    } else {
        String::new()
    }
}

impl Metric {
    /// Reads the name of a metric: `accuracy`, `latency` (of the first device), `latency:NAME`, `macs`, `params`,
    /// `peak-memory` or `file-size`.
    pub fn parse(text: &str, devices: &[String]) -> Result<Self, MetricError> {
        let error = || MetricError {
            text: text.to_owned(),
            devices: devices.to_vec(),
        };
        Ok(match text {
            "accuracy" => Self::Accuracy,
            "latency" if !devices.is_empty() => Self::Latency(0),
            "macs" => Self::Macs,
            "params" => Self::Params,
            "peak-memory" => Self::PeakActivationBytes,
            "file-size" => Self::FileBytes,
            _ => {
                let name = text.strip_prefix("latency:").ok_or_else(error)?;
                Self::Latency(devices.iter().position(|known| known == name).ok_or_else(error)?)
            }
        })
    }

    /// The name that [`Metric::parse`] reads.
    pub fn name(self, devices: &[String]) -> String {
        match self {
            Self::Latency(index) if devices.len() > 1 => format!("latency:{}", devices[index]),
            other => other.to_string(),
        }
    }

    /// Returns true if larger values are better.
    pub fn is_maximised(self) -> bool {
        self == Self::Accuracy
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accuracy => "accuracy",
            Self::Latency(_) => "latency",
            Self::Macs => "macs",
            Self::Params => "params",
            Self::PeakActivationBytes => "peak-memory",
            Self::FileBytes => "file-size",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        let devices = ["pixel1", "host"].map(str::to_owned);
        for (text, metric) in [
            ("accuracy", Metric::Accuracy),
            ("latency:pixel1", Metric::Latency(0)),
            ("latency:host", Metric::Latency(1)),
            ("macs", Metric::Macs),
            ("params", Metric::Params),
            ("peak-memory", Metric::PeakActivationBytes),
            ("file-size", Metric::FileBytes),
        ] {
            assert_eq!(Metric::parse(text, &devices), Ok(metric));
            assert_eq!(metric.name(&devices), text);
        }
        assert_eq!(Metric::parse("latency", &devices), Ok(Metric::Latency(0)));
        assert_eq!(Metric::Latency(0).name(&devices[..1]), "latency");
        let error = Metric::parse("latency:phone", &devices).unwrap_err().to_string();
        assert!(
            error.contains("`latency:phone`") && error.contains("latency:host"),
            "{error}"
        );
        assert!(Metric::parse("latency", &[]).is_err());
    }
}

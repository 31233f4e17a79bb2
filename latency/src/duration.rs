//! Durations with a unit: latencies and budgets.

use std::fmt;
use std::str::FromStr;

/// Duration in milliseconds.
///
/// Displayed with three significant digits (`20.3 ms`); serialised exactly, with its unit (`"20.3ms"`).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Milliseconds(pub f64);

/// Longest accepted latency: a day. A longer one is probably a mistake.
const LONGEST_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Accepted units and their lengths in milliseconds.
const UNITS: [(&str, f64); 5] = [("us", 1e-3), ("µs", 1e-3), ("μs", 1e-3), ("ms", 1.0), ("s", 1000.0)];

/// Error in the text of a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The number has no unit.
    #[error("`{text}` has no unit; write {text}ms, or use us or s")]
    MissingUnit {
        /// The number as written.
        text: String,
    },
    /// The unit is not one of the accepted ones.
    #[error("`{text}` has the unknown unit `{unit}`; expected us, ms or s, as in 20ms")]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// Text after the number.
        unit: String,
    },
    /// The text does not start with a number.
    #[error("`{text}` does not start with a number; write a duration such as 20ms")]
    NotANumber {
        /// The whole text.
        text: String,
    },
    /// The duration is negative, zero or longer than a day.
    #[error("`{text}` is {what}; write a positive duration such as 20ms, at most one day")]
    OutOfRange {
        /// The whole text.
        text: String,
        /// Description of the error.
        what: &'static str,
    },
}

/// Parses a positive latency with its unit: `20ms`, `1.5 s`, `850us`.
///
/// ```
/// use mnas_latency::{Milliseconds, parse_latency};
/// assert_eq!(parse_latency("1.5 s")?, Milliseconds(1500.0));
/// assert!(parse_latency("20").is_err());
/// # Ok::<(), mnas_latency::DurationError>(())
/// ```
pub fn parse_latency(text: &str) -> Result<Milliseconds, DurationError> {
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| c.is_alphabetic()).unwrap_or(trimmed.len());
    let (number, unit) = (trimmed[..split].trim_end(), trimmed[split..].trim());
    let value: f64 = number.parse().map_err(|_| DurationError::NotANumber {
        text: shortened(trimmed),
    })?;
    if unit.is_empty() {
        return Err(DurationError::MissingUnit {
            text: shortened(trimmed),
        });
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(DurationError::UnknownUnit {
            text: shortened(trimmed),
            unit: shortened(unit),
        });
    };
    let out_of_range = |what| {
        Err(DurationError::OutOfRange {
            text: shortened(trimmed),
            what,
        })
    };
    let ms = value * factor;
    if value < 0.0 {
        return out_of_range("negative");
    }
    if ms == 0.0 {
        return out_of_range("zero");
    }
    if ms > LONGEST_MS {
        return out_of_range("too long");
    }
    Ok(Milliseconds(ms))
}

fn shortened(text: &str) -> String {
    if text.chars().count() > 32 {
        format!("{}…", text.chars().take(32).collect::<String>())
    } else {
        text.to_owned()
    }
}

impl FromStr for Milliseconds {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_latency(text)
    }
}

/// Displays three significant digits, or the number of decimals given by the format's precision.
impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or_else(|| {
            let magnitude = self.0.abs();
            // Thresholds account for rounding: 9.996 is written 10.0, not 10.00.
            [(99.95, 0), (9.995, 1), (0.9995, 2)]
                .iter()
                .find(|(from, _)| magnitude >= *from)
                .map_or(3, |(_, n)| *n)
        });
        f.pad_integral(true, "", &format!("{:.decimals$} ms", self.0))
    }
}

impl serde::Serialize for Milliseconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}ms", self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Milliseconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Milliseconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with its unit in quotes, such as \"20ms\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Milliseconds, E> {
                parse_latency(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Serialization of [`Milliseconds`] as a plain number, for fields whose name contains the unit.
pub(crate) mod plain_ms {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Milliseconds;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub fn serialize<S: Serializer>(value: &Milliseconds, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(value.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Milliseconds, D::Error> {
        f64::deserialize(deserializer).map(Milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Config {
        budget: Milliseconds,
    }

    #[test]
    fn units_are_read() {
        for (text, ms) in [
            ("20ms", 20.0),
            ("20 ms", 20.0),
            (" 1.5s ", 1500.0),
            ("850us", 0.85),
            ("3µs", 0.003),
        ] {
            assert!((parse_latency(text).unwrap().0 - ms).abs() < 1e-12, "{text}");
        }
    }

    #[test]
    fn slips_are_named() {
        let message = |text: &str| parse_latency(text).unwrap_err().to_string();
        insta::assert_snapshot!(message("20"), @"`20` has no unit; write 20ms, or use us or s");
        insta::assert_snapshot!(message("20 mss"), @"`20 mss` has the unknown unit `mss`; expected us, ms or s, as in 20ms");
        insta::assert_snapshot!(message("-3ms"), @"`-3ms` is negative; write a positive duration such as 20ms, at most one day");
        insta::assert_snapshot!(message("0 s"), @"`0 s` is zero; write a positive duration such as 20ms, at most one day");
        insta::assert_snapshot!(message("nan ms"), @"`nan ms` does not start with a number; write a duration such as 20ms");
        insta::assert_snapshot!(message("ms"), @"`ms` does not start with a number; write a duration such as 20ms");
        insta::assert_snapshot!(message(""), @"`` does not start with a number; write a duration such as 20ms");
        assert!(matches!(
            parse_latency(&format!("{}s", "9".repeat(400))),
            Err(DurationError::OutOfRange { .. })
        ));
    }

    #[test]
    fn people_read_three_digits_and_files_all() {
        let shown: Vec<String> = [0.0123, 0.5, 1.234, 9.996, 20.31, 123.4]
            .iter()
            .map(|ms| Milliseconds(*ms).to_string())
            .collect();
        assert_eq!(
            shown,
            ["0.012 ms", "0.500 ms", "1.23 ms", "10.0 ms", "20.3 ms", "123 ms"]
        );
        assert_eq!(format!("{:.1}", Milliseconds(20.31)), "20.3 ms");

        let config = Config {
            budget: Milliseconds(20.315),
        };
        let text = toml::to_string(&config).unwrap();
        assert_eq!(text, "budget = \"20.315ms\"\n");
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
        let error = toml::from_str::<Config>("budget = 20").unwrap_err().to_string();
        assert!(error.contains("with its unit"), "{error}");
    }
}

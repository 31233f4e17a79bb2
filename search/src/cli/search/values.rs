//! Values of flags: evaluators by name, and numbers with suffixes.

use std::path::PathBuf;

use mnas_engine::ranking::{Score, UnknownSignal};
use serde::Deserialize;

/// A source of accuracies by name: `auto`, `train`, `imagenet`, `table:FILE`, or `proxy:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum EvaluatorName {
    /// Trainings whose number and length follow from the time.
    Auto,
    Train,
    /// The ImageNet predictor.
    Imagenet,
    Table(PathBuf),
    /// Scores by signals.
    Proxy(Score),
}

impl std::str::FromStr for EvaluatorName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "train" => Ok(Self::Train),
            None if text == "imagenet" => Ok(Self::Imagenet),
            Some(("table", path)) if !path.is_empty() => Ok(Self::Table(path.into())),
            Some(("proxy", name)) => name
                .parse()
                .map(Self::Proxy)
                .map_err(|error: UnknownSignal| error.to_string()),
            _ => Err(format!(
                "`{text}` is not an evaluator; expected auto (trainings planned for --time), train (every candidate is trained), imagenet (predicted accuracies), table:FILE (recorded accuracies) or proxy:NAME (scores by signals, such as proxy:entropy)"
            )),
        }
    }
}

impl TryFrom<String> for EvaluatorName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::fmt::Display for EvaluatorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Train => f.write_str("train"),
            Self::Imagenet => f.write_str("imagenet"),
            Self::Table(path) => write!(f, "table:{}", path.display()),
            Self::Proxy(score) => write!(f, "proxy:{score}"),
        }
    }
}

/// Signals for the strategy by name: `naswot+entropy`, or `none`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum SignalsName {
    None,
    Named(Score),
}

impl std::str::FromStr for SignalsName {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        match text {
            "none" => Ok(Self::None),
            names => names.parse().map(Self::Named),
        }
    }
}

impl TryFrom<String> for SignalsName {
    type Error = UnknownSignal;

    fn try_from(text: String) -> Result<Self, UnknownSignal> {
        text.parse()
    }
}

impl std::fmt::Display for SignalsName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Named(score) => score.fmt(f),
        }
    }
}

/// A number with an optional decimal suffix: `4M`, `300k`, `1.5G`, `4000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub struct Count(pub u64);

/// A number of bytes with an optional suffix: `1MiB`, `512kB`, `4000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub struct Bytes(pub u64);

struct NumberOrText(String);

impl<'de> Deserialize<'de> for NumberOrText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = NumberOrText;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or one with its suffix in quotes, such as \"4M\" or \"1MiB\"")
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<NumberOrText, E> {
                Ok(NumberOrText(value.to_string()))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<NumberOrText, E> {
                Ok(NumberOrText(value.to_string()))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<NumberOrText, E> {
                Ok(NumberOrText(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A number and the factor of its suffix.
fn with_suffix(text: &str, suffixes: &[(&str, f64)], expected: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let (number, suffix) = (digits.trim(), &text[digits.len()..]);
    let factor = suffixes.iter().find(|(name, _)| name.eq_ignore_ascii_case(suffix));
    let value = number
        .parse::<f64>()
        .ok()
        .zip(factor)
        .map(|(number, (_, factor))| number * factor);
    match value {
        Some(value) if (1.0..=1e18).contains(&value) => Ok(value.round() as u64),
        _ => Err(format!("`{text}` is not a valid number; expected {expected}")),
    }
}

impl std::str::FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let suffixes = [("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9)];
        with_suffix(text, &suffixes, "a number such as 4M, 300k or 4000000").map(Self)
    }
}

impl std::str::FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let suffixes = [
            ("", 1.0),
            ("B", 1.0),
            ("kB", 1e3),
            ("MB", 1e6),
            ("GB", 1e9),
            ("KiB", 1024.0),
            ("MiB", 1_048_576.0),
            ("GiB", 1_073_741_824.0),
        ];
        with_suffix(text, &suffixes, "a size such as 1MiB, 512kB or 4000000").map(Self)
    }
}

impl TryFrom<NumberOrText> for Count {
    type Error = String;

    fn try_from(text: NumberOrText) -> Result<Self, String> {
        text.0.parse()
    }
}

impl TryFrom<NumberOrText> for Bytes {
    type Error = String;

    fn try_from(text: NumberOrText) -> Result<Self, String> {
        text.0.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_suffixes() {
        for (text, number) in [
            ("4M", 4_000_000),
            ("300k", 300_000),
            ("1.5G", 1_500_000_000),
            ("12", 12),
        ] {
            assert_eq!(text.parse(), Ok(Count(number)));
        }
        for (text, bytes) in [("1MiB", 1 << 20), ("512kB", 512_000), ("64 KiB", 1 << 16), ("12", 12)] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)));
        }
        for text in ["", "M", "-4M", "4X", "0", "nan", "1e99G"] {
            assert!(text.parse::<Count>().is_err(), "{text}");
        }
    }
}

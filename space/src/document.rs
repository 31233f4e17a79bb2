//! TOML documents: errors with positions, and helpers for reading them.

use std::fmt;

use serde::de::{self, DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::limits;

/// Error in a TOML or JSON document, with its position.
///
/// `line` and `column` count from 1. The error does not contain the file's name; the caller adds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct DocumentError {
    /// Line of the invalid text.
    pub line: usize,
    /// Column of the invalid text, in characters.
    pub column: usize,
    /// Description of the text found and the text expected.
    pub problem: String,
}

impl DocumentError {
    /// Error at byte `offset` of `text`.
    pub fn at(text: &str, offset: usize, problem: impl Into<String>) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self {
            line,
            column,
            problem: problem.into(),
        }
    }
}

/// Parses a TOML document as a `T`. Wrong types, and unknown keys where `T` denies them, are errors with a position.
pub fn parse_toml<T: DeserializeOwned>(text: &str) -> Result<T, DocumentError> {
    check_length(text)?;
    toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        DocumentError::at(text, offset, error.message())
    })
}

/// Rejects documents longer than [`limits::DOCUMENT_BYTES`], since parsing takes many times their length in memory.
pub(crate) fn check_length(text: &str) -> Result<(), DocumentError> {
    if text.len() <= limits::DOCUMENT_BYTES {
        return Ok(());
    }
    let problem = format!(
        "the document has {} bytes; expected at most {}",
        text.len(),
        limits::DOCUMENT_BYTES
    );
    Err(DocumentError::at(text, 0, problem))
}

/// Rejects lists of more than [`limits::CHOICES`] values; `what` names the values and `at` is the list's byte offset.
pub(crate) fn check_count(text: &str, at: usize, what: &str, count: usize) -> Result<(), DocumentError> {
    if count <= limits::CHOICES {
        return Ok(());
    }
    let problem = format!("{count} {what}; expected at most {}", limits::CHOICES);
    Err(DocumentError::at(text, at, problem))
}

/// TOML value or non-empty list of values: `kernel = 3`, `kernel = [3, 5, 7]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                T::deserialize(de::value::I64Deserializer::new(value)).map(|value| OneOrMany(vec![value]))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
                T::deserialize(de::value::U64Deserializer::new(value)).map(|value| OneOrMany(vec![value]))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
                T::deserialize(de::value::F64Deserializer::new(value)).map(|value| OneOrMany(vec![value]))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
                T::deserialize(de::value::BoolDeserializer::new(value)).map(|value| OneOrMany(vec![value]))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
                T::deserialize(de::value::StrDeserializer::new(value)).map(|value| OneOrMany(vec![value]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                if values.is_empty() {
                    return Err(de::Error::custom("an empty list leaves nothing to choose from"));
                }
                Ok(OneOrMany(values))
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor(std::marker::PhantomData))
    }
}

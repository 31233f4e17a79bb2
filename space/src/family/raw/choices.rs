//! A set of blocks as TOML: the product of the lists of its fields.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::check_count;
use crate::block::field::{Domain, Field, Value, Values};
use crate::block::kind::KindEntry;
use crate::block::{Block, SqueezeExcite};
use crate::document::{DocumentError, OneOrMany};
use crate::family::BlockChoice;

/// The types and fields of a set of blocks, each a value or a list of values.
#[derive(Debug, Clone, Default)]
pub(super) struct RawChoice {
    kinds: Option<Spanned<OneOrMany<String>>>,
    fields: Vec<(String, Spanned<OneOrMany<Scalar>>)>,
}

/// A single value.
#[derive(Debug, Clone, PartialEq)]
enum Scalar {
    Number(f64),
    Text(String),
    Flag(bool),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a name, or true or false")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(value as f64))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(value))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(value.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Flag(value))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "\"{value}\""),
            Self::Flag(value) => write!(f, "{value}"),
        }
    }
}

impl<'de> Deserialize<'de> for RawChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoiceVisitor;

        impl<'de> Visitor<'de> for ChoiceVisitor {
            type Value = RawChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table that describes blocks")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut choice = RawChoice::default();
                while let Some(key) = map.next_key::<String>()? {
                    if !RawChoice::has_key(&key) {
                        return Err(de::Error::custom(unknown_key(&key, RawChoice::keys())));
                    }
                    choice.read(key, &mut map)?;
                }
                Ok(choice)
            }
        }

        deserializer.deserialize_map(ChoiceVisitor)
    }
}

/// What to say of a key that means nothing.
pub(super) fn unknown_key<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.collect();
    format!("unknown field `{key}`, expected one of {}", known.join(", "))
}

impl RawChoice {
    const BLOCK: &'static str = "block";

    /// The keys that describe a block.
    pub fn keys() -> impl Iterator<Item = &'static str> {
        let mut keys = vec![Self::BLOCK];
        for field in Block::fields() {
            if !keys.contains(&field.name) {
                keys.push(field.name);
            }
        }
        keys.into_iter()
    }

    pub fn has_key(key: &str) -> bool {
        key == Self::BLOCK || Block::fields().any(|field| field.name == key)
    }

    pub fn is_empty(&self) -> bool {
        self.kinds.is_none() && self.fields.is_empty()
    }

    /// Reads the value of one of [`RawChoice::keys`].
    pub fn read<'de, A: MapAccess<'de>>(&mut self, key: String, map: &mut A) -> Result<(), A::Error> {
        if key == Self::BLOCK {
            self.kinds = Some(map.next_value()?);
        } else {
            self.fields.push((key, map.next_value()?));
        }
        Ok(())
    }

    /// Every combination of the lists; `at` is where the choice stands in `text`.
    pub fn product(&self, at: usize, text: &str) -> Result<Vec<BlockChoice>, DocumentError> {
        let kinds = || Block::kinds().collect::<Vec<_>>().join(", ");
        let Some(block) = &self.kinds else {
            let problem = format!("no `block`; expected one of {}", kinds());
            return Err(DocumentError::at(text, at, problem));
        };
        let mut entries = Vec::new();
        for kind in &block.get_ref().0 {
            let entry = Block::entry(kind).ok_or_else(|| {
                let problem = format!("block `{kind}`; expected one of {}", kinds());
                DocumentError::at(text, block.span().start, problem)
            })?;
            entries.push(entry);
        }
        for (name, values) in &self.fields {
            if !entries.iter().any(|entry| field_of(entry, name).is_some()) {
                let problem = format!("block `{}` has no `{name}`", entries[0].name);
                return Err(DocumentError::at(text, values.span().start, problem));
            }
        }
        let mut choices = Vec::new();
        for entry in entries {
            for values in self.combinations(entry, text)? {
                let choice = BlockChoice::new(entry, values);
                if !choices.contains(&choice) {
                    choices.push(choice);
                }
            }
            check_count(text, at, "choices", choices.len())?;
        }
        Ok(choices)
    }

    /// The combinations of the fields that a block type has, the last field varying fastest.
    fn combinations(&self, entry: &'static KindEntry, text: &str) -> Result<Vec<Values>, DocumentError> {
        let mut combinations = vec![Values::default()];
        for (name, list) in &self.fields {
            let Some(field) = field_of(entry, name) else { continue };
            let at = list.span().start;
            let options = list
                .get_ref()
                .0
                .iter()
                .map(|scalar| {
                    option(field, scalar).ok_or_else(|| {
                        let problem = format!("{name} {scalar}; expected {}", in_toml(field));
                        DocumentError::at(text, at, problem)
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            check_count(text, at, "choices", combinations.len().saturating_mul(options.len()))?;
            let extended = combinations.iter().flat_map(|values| {
                options.iter().map(|option| {
                    let mut values = values.clone();
                    if let Some(value) = option {
                        values.insert(field, *value);
                    }
                    values
                })
            });
            combinations = extended.collect();
        }
        for values in &mut combinations {
            let could_squeeze = self.fields.iter().any(|(name, _)| name.starts_with("squeeze-"));
            if could_squeeze && !SqueezeExcite::is_in(values) {
                SqueezeExcite::DETAILS
                    .into_iter()
                    .for_each(|detail| values.remove(detail));
            }
        }
        Ok(combinations)
    }
}

fn field_of(entry: &KindEntry, name: &str) -> Option<&'static Field> {
    entry.fields.iter().copied().find(|field| field.name == name)
}

/// The value that a scalar stands for, `Some(None)` where it says that there is none.
fn option(field: &'static Field, scalar: &Scalar) -> Option<Option<Value>> {
    match (scalar, field.domain) {
        (Scalar::Flag(flag), Domain::Flag { when }) => Some((*flag == when).then_some(Value::Flag)),
        (Scalar::Number(number), Domain::Decimal { or_none: true, .. }) if *number == 0.0 => Some(None),
        (Scalar::Number(number), domain) => domain.number(*number).map(Some),
        (Scalar::Text(text), domain) => domain.name(text).map(Some),
        (Scalar::Flag(_), _) => None,
    }
}

fn in_toml(field: &Field) -> String {
    match field.domain {
        Domain::Decimal { or_none: true, .. } => format!("0 for none, or {}", field.domain.expected()),
        other => other.expected(),
    }
}

//! Block choices as TOML: the Cartesian product of the lists of their fields.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::block::field::{Domain, Field, Value, Values};
use crate::block::{Block, KindEntry, SqueezeExcite};
use crate::document::{DocumentError, OneOrMany, check_count};
use crate::family::BlockChoice;

/// Block types and fields, each a value or a list of values.
#[derive(Debug, Clone, Default)]
pub(super) struct RawChoices {
    kinds: Option<Spanned<OneOrMany<String>>>,
    fields: Vec<(String, Spanned<OneOrMany<Scalar>>)>,
}

/// Value in TOML.
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

impl<'de> Deserialize<'de> for RawChoices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoiceVisitor;

        impl<'de> Visitor<'de> for ChoiceVisitor {
            type Value = RawChoices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table that describes blocks")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut choice = RawChoices::default();
                while let Some(key) = map.next_key::<String>()? {
                    if !RawChoices::has_key(&key) {
                        return Err(de::Error::custom(unknown_key(&key, RawChoices::keys())));
                    }
                    choice.read(key, &mut map)?;
                }
                Ok(choice)
            }
        }

        deserializer.deserialize_map(ChoiceVisitor)
    }
}

/// Message for an unknown key.
pub(super) fn unknown_key<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.collect();
    format!("unknown field `{key}`, expected one of {}", known.join(", "))
}

impl RawChoices {
    const BLOCK: &'static str = "block";

    /// TOML keys that describe a block.
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

    /// Reads the value of one of [`RawChoices::keys`].
    pub fn read<'de, A: MapAccess<'de>>(&mut self, key: String, map: &mut A) -> Result<(), A::Error> {
        if key == Self::BLOCK {
            self.kinds = Some(map.next_value()?);
        } else {
            self.fields.push((key, map.next_value()?));
        }
        Ok(())
    }

    /// All combinations of the lists; `at` is the byte offset of the table in `text`.
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
            if entries.iter().all(|other: &&KindEntry| other.name != entry.name) {
                entries.push(entry);
            }
        }
        for (name, values) in &self.fields {
            if !entries.iter().any(|entry| field_of(entry, name).is_some()) {
                let problem = format!("block `{}` has no `{name}`", entries[0].name);
                return Err(DocumentError::at(text, values.span().start, problem));
            }
        }
        let mut choices = Vec::new();
        for entry in entries {
            let combinations = self.combinations(entry, text)?;
            check_count(text, at, "choices", choices.len() + combinations.len())?;
            choices.extend(combinations.into_iter().map(|values| BlockChoice::new(entry, values)));
        }
        Ok(choices)
    }

    /// All combinations of the fields of a block type; the last field varies fastest.
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
                    setting(field, scalar).ok_or_else(|| {
                        let problem = format!("{name} {scalar}; expected {}", in_toml(field));
                        DocumentError::at(text, at, problem)
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            check_count(text, at, "choices", combinations.len().saturating_mul(options.len()))?;
            let extended = combinations.iter().flat_map(|values| {
                options.iter().map(|option| {
                    let mut values = values.clone();
                    if let Setting::Value(value) = option {
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
                for detail in SqueezeExcite::DETAILS {
                    values.remove(detail);
                }
            }
        }
        Ok(combinations)
    }
}

fn field_of(entry: &KindEntry, name: &str) -> Option<&'static Field> {
    entry.fields.iter().copied().find(|field| field.name == name)
}

/// Setting of a field.
#[derive(Clone, Copy)]
enum Setting {
    /// The field has this value.
    Value(Value),
    /// The field is left out.
    Absent,
}

/// Setting of a field for a TOML value; `None` if the field does not allow the value.
fn setting(field: &'static Field, scalar: &Scalar) -> Option<Setting> {
    match (scalar, field.domain) {
        (Scalar::Flag(flag), Domain::Flag { when }) if *flag == when => Some(Setting::Value(Value::Flag)),
        (Scalar::Flag(_), Domain::Flag { .. }) => Some(Setting::Absent),
        (Scalar::Number(number), Domain::Decimal { or_none: true, .. }) if *number == 0.0 => Some(Setting::Absent),
        (Scalar::Number(number), domain) => domain.number(*number).map(Setting::Value),
        (Scalar::Text(text), domain) => domain.name(text).map(Setting::Value),
        (Scalar::Flag(_), _) => None,
    }
}

fn in_toml(field: &Field) -> String {
    match field.domain {
        Domain::Decimal { or_none: true, .. } => format!("0 for none, or {}", field.domain.expected()),
        other => other.expected(),
    }
}

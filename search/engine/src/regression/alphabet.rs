//! Codes of decisions and the differences between them, by kind of choice.

use std::collections::BTreeMap;

use mnas_space::BlockChoice;

/// A value of one kind of choice.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A number, compared by distance.
    Number(f64),
    /// A name, equal or not.
    Name(String),
}

/// Values of a site by kind of choice.
pub(super) type Attributes = BTreeMap<&'static str, Value>;

/// Kind of choice that holds the presence of a layer.
const LAYER: &str = "layer";

/// Block type that computes nothing where the shape does not change.
const IDENTITY: &str = "id";

/// Attributes of an absent layer.
pub(super) fn absent() -> Attributes {
    single(LAYER, Value::Name("absent".to_owned()))
}

/// Attributes of a layer that repeats the choice of its stage.
pub(super) fn repeated() -> Attributes {
    single(LAYER, Value::Name("present".to_owned()))
}

pub(super) fn single(kind: &'static str, value: Value) -> Attributes {
    BTreeMap::from([(kind, value)])
}

/// Attributes of a layer.
pub(super) fn layer(choice: &BlockChoice) -> Attributes {
    if choice.kind() == IDENTITY {
        return absent();
    }
    let mut attributes = repeated();
    attributes.insert("block", Value::Name(choice.kind().to_owned()));
    attributes.extend(choice.fields().map(|(field, text)| {
        let value = text.parse().map_or(Value::Name(text), Value::Number);
        (field, value)
    }));
    attributes
}

/// All codes of a space with the differences between them.
#[derive(Debug, Default)]
pub(super) struct Alphabet {
    entries: Vec<Attributes>,
}

impl Alphabet {
    /// The code of these attributes, a new one where there is none.
    pub fn code(&mut self, attributes: Attributes) -> u16 {
        let known = self.entries.iter().position(|entry| *entry == attributes);
        known.unwrap_or_else(|| {
            self.entries.push(attributes);
            self.entries.len() - 1
        }) as u16
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Kinds of choice in which some codes differ, with the differences between all codes by rows: 0 to 1.
    ///
    /// Numbers differ by their distance on a logarithmic scale (a linear one where some are not positive) divided by the
    /// largest distance, names by 1. A kind that one of two codes lacks counts a half, which keeps the exponential of the
    /// negative sum positive definite: the point that lacks it is as far from all others as the centre of their range.
    pub fn differences(&self) -> Vec<(&'static str, Vec<f64>)> {
        let mut kinds: Vec<&'static str> = self.entries.iter().flat_map(BTreeMap::keys).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        let tables = kinds.into_iter().map(|kind| (kind, self.difference(kind)));
        tables
            .filter(|(_, table)| table.iter().any(|&value| value > 0.0))
            .collect()
    }

    fn difference(&self, kind: &str) -> Vec<f64> {
        let numbers = self.entries.iter().filter_map(|entry| match entry.get(kind) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        });
        let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
            (low.min(number), high.max(number))
        });
        let scaled = |number: f64| if low > 0.0 { number.ln() } else { number };
        let range = scaled(high) - scaled(low);
        let between = |one: Option<&Value>, other: Option<&Value>| match (one, other) {
            (None, None) => 0.0,
            (Some(Value::Number(one)), Some(Value::Number(other))) if range > 0.0 => {
                (scaled(*one) - scaled(*other)).abs() / range
            }
            (Some(one), Some(other)) => f64::from(u8::from(one != other)),
            _ => 0.5,
        };
        let pairs = self
            .entries
            .iter()
            .flat_map(|one| self.entries.iter().map(move |other| (one, other)));
        pairs
            .map(|(one, other)| between(one.get(kind), other.get(kind)))
            .collect()
    }
}

//! Block choices.

use std::fmt;

use crate::block::field::{Domain, Problem, Value, Values};
use crate::block::kind::Context;
use crate::block::{Block, KindEntry};

/// Choice for a block: a block type with its fields, independent of its input and output channels.
#[derive(Debug, Clone)]
pub struct BlockChoice {
    entry: &'static KindEntry,
    values: Values,
}

impl PartialEq for BlockChoice {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.values == other.values
    }
}

impl BlockChoice {
    pub(super) fn new(entry: &'static KindEntry, values: Values) -> Self {
        Self { entry, values }
    }

    /// Short name of the block type.
    pub fn kind(&self) -> &'static str {
        self.entry.name
    }

    /// Block with the given channels and stride.
    pub(super) fn block(&self, context: Context) -> Result<Block, Problem> {
        (self.entry.read)(&self.values, context)
    }

    /// Fields in document order, each as its TOML name and its value as text: `("kernel", "3")`.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.values.iter().map(|(field, value)| {
            let text = match value {
                Value::Whole(value) => value.to_string(),
                Value::Decimal(value) => value.to_string(),
                Value::Activation(value) => value.name().to_owned(),
                Value::Gate(value) => value.name().to_owned(),
                Value::Flag if field.domain == (Domain::Flag { when: false }) => "no".to_owned(),
                Value::Flag => "yes".to_owned(),
            };
            (field.name, text)
        })
    }
}

/// Prints text such as `ir kernel 3, expansion 6, activation relu6`.
impl fmt::Display for BlockChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        for (index, (name, value)) in self.fields().enumerate() {
            write!(f, "{} {name} {value}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

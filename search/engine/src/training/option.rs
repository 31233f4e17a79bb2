//! Refusal of an option's value.

use std::fmt::Display;

/// A value outside the range of its option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("data option {option} is {value}, but must be {expected}")]
pub struct OptionError {
    /// The option's name as written in a configuration.
    pub option: &'static str,
    /// The value given.
    pub value: String,
    /// The values that work.
    pub expected: &'static str,
}

impl OptionError {
    /// The refusal of `value`.
    pub fn new(option: &'static str, value: impl Display, expected: &'static str) -> Self {
        Self {
            option,
            value: value.to_string(),
            expected,
        }
    }
}

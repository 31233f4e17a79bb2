//! Values out of the range of an option.

use std::fmt::Display;

/// A value outside the range of its option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("data option {option} is {value}, but must be {expected}")]
pub struct OptionError {
    /// Name of the option in a configuration.
    pub option: &'static str,
    /// Value given.
    pub value: String,
    /// Values accepted.
    pub expected: &'static str,
}

impl OptionError {
    /// The error for `value`.
    pub fn new(option: &'static str, value: impl Display, expected: &'static str) -> Self {
        Self {
            option,
            value: value.to_string(),
            expected,
        }
    }
}

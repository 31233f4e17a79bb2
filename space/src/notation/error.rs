//! Errors in architecture strings.

/// Error in an architecture string, with its position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}; {expected}")]
pub struct NotationError {
    /// Column of the invalid text, counted in characters from 1.
    pub column: usize,
    /// Description of the text found.
    pub problem: String,
    /// Description of the text expected.
    pub expected: String,
}

impl NotationError {
    pub(crate) fn new(column: usize, problem: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            column,
            problem: problem.into(),
            expected: expected.into(),
        }
    }

    /// Same error with `offset` added to its column, for a piece of a longer text.
    #[must_use]
    pub fn shifted(mut self, offset: usize) -> Self {
        self.column += offset;
        self
    }
}

//! Splitting of a piece into its fields: `ir_k3_e6` is the kind `ir` with the fields `k` = 3 and `e` = 6.

use super::error::NotationError;
use crate::block::field::{Field, Problem, Values};

/// Text of a piece, split into its kind and its fields, each with its column.
#[derive(Debug)]
pub(super) struct PieceText<'t> {
    pub kind: &'t str,
    pub column: usize,
    fields: Vec<(&'t str, usize)>,
}

impl<'t> PieceText<'t> {
    /// Splits a piece that starts at `column` at its underscores.
    pub fn split(piece: &'t str, column: usize) -> Self {
        let mut parts = piece.split('_');
        let kind = parts.next().unwrap_or_default();
        let mut at = column + kind.chars().count() + 1;
        let mut fields = Vec::with_capacity(8);
        for part in parts {
            fields.push((part, at));
            at += part.chars().count() + 1;
        }
        Self { kind, column, fields }
    }

    /// Reads the values of the fields, each of which must be one of `known` and occur once.
    pub fn values(&self, known: &[&'static Field]) -> Result<Values, NotationError> {
        let mut values = Values::with_capacity(known.len());
        for &(part, column) in &self.fields {
            let field = self.field(part, column, known)?;
            if values.has(field) {
                let problem = format!("field `{}` occurs twice in `{}`", field.code, self.kind);
                return Err(NotationError::new(column, problem, "write each field once"));
            }
            let value = field.domain.code(&part[field.code.len()..]).ok_or_else(|| {
                let problem = format!("`{part}` has an invalid {}", field.name);
                NotationError::new(column, problem, format!("expected {}", field.expected()))
            })?;
            values.insert(field, value);
        }
        Ok(values)
    }

    /// Finds the field of a text: the one with the longest code among the fields whose code starts the text and whose
    /// form fits the rest.
    fn field(&self, part: &str, column: usize, known: &[&'static Field]) -> Result<&'static Field, NotationError> {
        let fits = |field: &&&'static Field| {
            let rest = part.strip_prefix(field.code);
            rest.is_some_and(|rest| field.domain.has_form(rest))
        };
        if let Some(field) = known.iter().filter(fits).max_by_key(|field| field.code.len()) {
            return Ok(field);
        }
        let letters: String = part.chars().take_while(char::is_ascii_lowercase).collect();
        let problem = match letters.as_str() {
            "" => format!("`{}` is not a field", shortened(part)),
            letters => format!("`{}` has no field `{}`", self.kind, shortened(letters)),
        };
        let codes: Vec<&str> = known.iter().map(|field| field.code).collect();
        Err(NotationError::new(
            column,
            problem,
            format!("expected one of {}, with a value such as `k3`", codes.join(", ")),
        ))
    }

    /// Converts a problem of the whole piece to an error at its column.
    pub fn error(&self, problem: Problem) -> NotationError {
        let Problem { problem, expected } = problem;
        NotationError::new(self.column, format!("`{}` has {problem}", self.kind), expected)
    }
}

/// Shortens a text to 24 characters, for error messages.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() > 24 {
        format!("{}…", text.chars().take(24).collect::<String>())
    } else {
        text.to_owned()
    }
}

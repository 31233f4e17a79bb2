//! Taking a piece apart: `ir_k3_e6` is the kind `ir` with the fields `k` = 3 and `e` = 6.

use super::NotationError;
use crate::block::field::{Field, Problem, Values};

/// A kind and the texts of its fields, each with its column.
#[derive(Debug)]
pub(super) struct Words<'t> {
    pub kind: &'t str,
    pub column: usize,
    fields: Vec<(&'t str, usize)>,
}

impl<'t> Words<'t> {
    /// Splits a piece at its underscores; `column` is where it starts.
    pub fn split(piece: &'t str, column: usize) -> Self {
        let mut parts = piece.split('_');
        let kind = parts.next().unwrap_or_default();
        let mut at = column + kind.chars().count() + 1;
        let fields = parts
            .map(|part| {
                let here = at;
                at += part.chars().count() + 1;
                (part, here)
            })
            .collect();
        Self { kind, column, fields }
    }

    /// The values of the fields, each of which must be one of `known` and stand once.
    pub fn values(&self, known: &[&'static Field]) -> Result<Values, NotationError> {
        let mut values = Values::default();
        for &(part, column) in &self.fields {
            let field = self.field(part, column, known)?;
            if values.has(field) {
                let problem = format!("field `{}` stands twice in `{}`", field.code, self.kind);
                return Err(NotationError::new(column, problem, "write each field once"));
            }
            let value = field.domain.code(&part[field.code.len()..]).ok_or_else(|| {
                let problem = format!("`{part}` has no usable {}", field.name);
                NotationError::new(column, problem, format!("expected {}", field.expected()))
            })?;
            values.insert(field, value);
        }
        Ok(values)
    }

    /// The field that `part` writes: the one with the longest letters whose value has the right form.
    fn field(&self, part: &str, column: usize, known: &[&'static Field]) -> Result<&'static Field, NotationError> {
        let fits = |field: &&&'static Field| {
            let rest = part.strip_prefix(field.code);
            rest.is_some_and(|rest| field.domain.looks_like(rest))
        };
        if let Some(field) = known.iter().filter(fits).max_by_key(|field| field.code.len()) {
            return Ok(field);
        }
        let letters: String = part.chars().take_while(char::is_ascii_lowercase).collect();
        let problem = match letters.as_str() {
            "" => format!("`{}` is not a field", super::parse::shortened(part)),
            letters => format!("`{}` has no field `{}`", self.kind, super::parse::shortened(letters)),
        };
        let codes: Vec<&str> = known.iter().map(|field| field.code).collect();
        Err(NotationError::new(
            column,
            problem,
            format!("expected one of {}, with a value such as `k3`", codes.join(", ")),
        ))
    }

    /// A problem of the whole piece, at its column.
    pub fn error(&self, problem: Problem) -> NotationError {
        let Problem { problem, expected } = problem;
        NotationError::new(self.column, format!("`{}` has {problem}", self.kind), expected)
    }
}

//! The fields of one piece: `ir_k3_e6` is the kind `ir` with the fields `k` = 3 and `e` = 6.

use super::{NotationError, limits};
use crate::activation::{Activation, Gate};

#[derive(Debug)]
struct Field<'t> {
    key: &'t str,
    value: &'t str,
    column: usize,
    taken: bool,
}

/// The fields of one piece; readers take what they know, and what is left over is an error.
#[derive(Debug)]
pub(crate) struct Fields<'t> {
    pub(super) kind: &'t str,
    column: usize,
    list: Vec<Field<'t>>,
    /// Fields that must be present when a block is read; a template in a search space leaves some out.
    known: Vec<&'static str>,
}

impl<'t> Fields<'t> {
    /// Splits `ir_k3_e6` into its kind and fields; `column` is where the piece starts.
    pub(super) fn split(piece: &'t str, column: usize) -> Result<Self, NotationError> {
        let mut parts = piece.split('_');
        let kind = parts.next().unwrap_or_default();
        let mut fields: Vec<Field<'t>> = Vec::new();
        let mut at = column + kind.chars().count() + 1;
        for part in parts {
            let field = Self::field(part, at)?;
            if fields.iter().any(|other| other.key == field.key) {
                let problem = format!("field `{}` stands twice in `{kind}`", field.key);
                return Err(NotationError::new(at, problem, "write each field once"));
            }
            fields.push(field);
            at += part.chars().count() + 1;
        }
        Ok(Self {
            kind,
            column,
            list: fields,
            known: Vec::new(),
        })
    }

    fn field(part: &'t str, column: usize) -> Result<Field<'t>, NotationError> {
        let expected = "expected a field such as `k3`, `c32` or `nr6`";
        if part.is_empty() {
            return Err(NotationError::new(column, "an empty field", expected));
        }
        // `n` and `g` take letters; every other key ends where its number begins.
        let split = match part.as_bytes()[0] {
            b'n' | b'g' => 1,
            _ => part.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(part.len()),
        };
        let (key, value) = part.split_at(split);
        if key.is_empty() || value.is_empty() {
            return Err(NotationError::new(column, format!("`{part}` is not a field"), expected));
        }
        Ok(Field {
            key,
            value,
            column,
            taken: false,
        })
    }

    fn take(&mut self, key: &'static str) -> Option<(&'t str, usize)> {
        self.known.push(key);
        let field = self.list.iter_mut().find(|field| field.key == key)?;
        field.taken = true;
        Some((field.value, field.column))
    }

    fn number(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, NotationError> {
        let Some((text, column)) = self.take(key) else {
            return Ok(None);
        };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(value) if digits && range.contains(&value) => Ok(Some(value)),
            _ => Err(NotationError::new(
                column,
                format!("`{key}{text}` has no usable number"),
                format!("expected a whole number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    fn decimal(&mut self, key: &'static str, least: f64, most: f64) -> Result<Option<f64>, NotationError> {
        let Some((text, column)) = self.take(key) else {
            return Ok(None);
        };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match text.parse::<f64>() {
            Ok(value) if plain && (least..=most).contains(&value) => Ok(Some(value)),
            _ => Err(NotationError::new(
                column,
                format!("`{key}{text}` has no usable number"),
                format!("expected a number from {least} to {most}"),
            )),
        }
    }

    fn required<T>(&self, value: Option<T>, key: &str) -> Result<T, NotationError> {
        value.ok_or_else(|| self.missing(key, &format!("`{}` needs a field `{key}`", self.kind)))
    }

    pub(crate) fn missing(&self, key: &str, expected: &str) -> NotationError {
        NotationError::new(self.column, format!("`{}` has no `{key}`", self.kind), expected)
    }

    pub(crate) fn conflict(&self, one: &str, other: &str) -> NotationError {
        let problem = format!("`{}` has both `{one}` and `{other}`", self.kind);
        NotationError::new(self.column, problem, "give one of them")
    }

    pub(crate) fn kernel(&mut self) -> Result<u32, NotationError> {
        let column = self
            .list
            .iter()
            .find(|field| field.key == "k")
            .map_or(self.column, |field| field.column);
        let kernel = self.number("k", 1..=limits::KERNEL)?;
        let kernel = self.required(kernel, "k")?;
        if kernel % 2 == 0 {
            let problem = format!("kernel {kernel} is even");
            return Err(NotationError::new(
                column,
                problem,
                "expected an odd kernel such as 3, 5 or 7",
            ));
        }
        Ok(kernel)
    }

    pub(crate) fn stride(&mut self) -> Result<u32, NotationError> {
        Ok(self.number("s", 1..=limits::STRIDE)?.unwrap_or(1))
    }

    pub(super) fn repeats(&mut self) -> Result<u32, NotationError> {
        Ok(self.number("r", 1..=limits::BLOCKS as u32)?.unwrap_or(1))
    }

    pub(crate) fn channels(&mut self) -> Result<u32, NotationError> {
        let channels = self.number("c", 1..=limits::CHANNELS)?;
        self.required(channels, "c")
    }

    pub(crate) fn hidden(&mut self) -> Result<Option<u32>, NotationError> {
        self.number("h", 1..=limits::HIDDEN_CHANNELS)
    }

    pub(crate) fn expansion(&mut self) -> Result<Option<f64>, NotationError> {
        self.decimal("e", 0.125, limits::EXPANSION)
    }

    pub(crate) fn squeeze_ratio(&mut self) -> Result<Option<f64>, NotationError> {
        self.decimal("se", 0.01, 1.0)
    }

    pub(crate) fn squeeze_width(&mut self) -> Result<Option<u32>, NotationError> {
        self.number("sq", 1..=limits::CHANNELS)
    }

    pub(crate) fn features(&mut self) -> Result<Option<u32>, NotationError> {
        self.number("f", 1..=limits::HIDDEN_CHANNELS)
    }

    pub(crate) fn classes(&mut self) -> Result<u32, NotationError> {
        let classes = self.number("o", 1..=limits::CLASSES)?;
        self.required(classes, "o")
    }

    pub(crate) fn activation(&mut self) -> Result<Activation, NotationError> {
        let taken = self.take("n");
        let (code, column) = self.required(taken, "n")?;
        Activation::from_code(code).ok_or_else(|| {
            let problem = format!("`n{code}` is no activation");
            NotationError::new(column, problem, "expected one of nre, nr6, nhs, nsw")
        })
    }

    pub(crate) fn gate(&mut self) -> Result<Option<Gate>, NotationError> {
        let Some((code, column)) = self.take("g") else {
            return Ok(None);
        };
        let gate = Gate::from_code(code).ok_or_else(|| {
            let problem = format!("`g{code}` is no gate");
            NotationError::new(column, problem, "expected ghs (hard sigmoid) or gsi (sigmoid)")
        })?;
        Ok(Some(gate))
    }

    pub(super) fn finish(&self) -> Result<(), NotationError> {
        let Some(field) = self.list.iter().find(|field| !field.taken) else {
            return Ok(());
        };
        let problem = format!("`{}` has no field `{}`", self.kind, field.key);
        Err(NotationError::new(
            field.column,
            problem,
            format!("expected one of {}", self.known.join(", ")),
        ))
    }
}

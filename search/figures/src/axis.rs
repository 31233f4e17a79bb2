//! Axes, as specified by the caller.

use crate::scale::Scale;

/// Title and kind of an axis; its ends follow from the values drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Title, including the unit: `predicted latency (ms)`. The word `logarithmic` is added to logarithmic axes.
    pub title: String,
    /// Kind of quantity.
    pub kind: AxisKind,
    /// Additional values that the axis must include, such as 0.
    pub includes: Vec<f64>,
}

/// Kind of quantity on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AxisKind {
    /// Any finite value.
    Linear,
    /// Counts, such as epochs and trials: ticks at whole numbers only.
    Whole,
    /// Values within limits, such as percentages: no ticks beyond the limits.
    Bounded {
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
    },
    /// Positive values such as latencies, on a logarithmic axis if they span more than a factor of 8.
    Positive,
    /// Positive values on a logarithmic axis.
    Logarithmic,
}

impl Axis {
    /// Creates an axis of this kind.
    pub fn new(title: impl Into<String>, kind: AxisKind) -> Self {
        Self {
            title: title.into(),
            kind,
            includes: Vec::new(),
        }
    }

    /// Creates an axis of percentages, limited to 0 to 100 %.
    pub fn percent(title: impl Into<String>) -> Self {
        let (low, high) = (0.0, 100.0);
        Self::new(title, AxisKind::Bounded { low, high })
    }

    /// Creates an axis of positive values, logarithmic if they span more than a factor of 8.
    pub fn positive(title: impl Into<String>) -> Self {
        Self::new(title, AxisKind::Positive)
    }

    /// Same axis with additional values that it must include.
    #[must_use]
    pub fn including(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        self.includes.extend(values);
        self
    }

    /// Tests that the axis can show a value.
    pub(crate) fn accepts(&self, value: f64) -> bool {
        let is_positive = matches!(self.kind, AxisKind::Positive | AxisKind::Logarithmic);
        value.is_finite() && (value > 0.0 || !is_positive)
    }

    /// Scale that covers these values and the included ones, from one drawing coordinate to another.
    pub(crate) fn scale(&self, values: &[f64], start: f64, end: f64) -> Scale {
        let values: Vec<f64> = values
            .iter()
            .chain(&self.includes)
            .copied()
            .filter(|&value| self.accepts(value))
            .collect();
        match self.kind {
            AxisKind::Linear => Scale::linear(&values, start, end),
            AxisKind::Whole => Scale::whole(&values, start, end),
            AxisKind::Bounded { low, high } => Scale::bounded(&values, (low, high), start, end),
            AxisKind::Positive => Scale::positive(&values, start, end),
            AxisKind::Logarithmic => Scale::logarithmic(&values, start, end),
        }
    }

    /// Title as drawn for this scale.
    pub(crate) fn full_title(&self, scale: &Scale) -> String {
        match self.title.strip_suffix(')') {
            _ if !scale.is_log || self.title.is_empty() => self.title.clone(),
            Some(start) => format!("{start}, logarithmic)"),
            None => format!("{}, logarithmic", self.title),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_is_named_as_one() {
        let axis = Axis::positive("latency (ms)");
        let title = |values: &[f64]| axis.full_title(&axis.scale(values, 0.0, 1.0));
        assert_eq!(title(&[1.0, 2.0]), "latency (ms)");
        assert_eq!(title(&[1.0, 20.0]), "latency (ms, logarithmic)");
        let cost = Axis::new("cost", AxisKind::Logarithmic);
        assert_eq!(cost.full_title(&cost.scale(&[1.0], 0.0, 1.0)), "cost, logarithmic");
    }

    #[test]
    fn values_that_an_axis_cannot_show_are_left_out() {
        let axis = Axis::positive("latency (ms)").including([4.0]);
        assert!(!axis.accepts(0.0) && !axis.accepts(f64::NAN) && axis.accepts(0.1));
        assert_eq!(
            axis.scale(&[-1.0, 0.0, f64::INFINITY, 2.0], 0.0, 1.0),
            axis.scale(&[2.0, 4.0], 0.0, 1.0)
        );
    }
}

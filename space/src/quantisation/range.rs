//! Ranges of the values of activations.

use std::collections::BTreeMap;

use crate::graph::TensorId;

/// Range of values that contains 0, since padding and activation functions need an exact 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    low: f32,
    high: f32,
}

impl Range {
    /// Smallest range that contains `low`, `high` and 0; `None` unless both are finite.
    pub fn new(low: f32, high: f32) -> Option<Self> {
        let is_finite = low.is_finite() && high.is_finite();
        is_finite.then(|| Self::including_zero(low, high))
    }

    /// Range for bounds that are known to be finite.
    pub(crate) const fn including_zero(low: f32, high: f32) -> Self {
        Self {
            low: low.min(high).min(0.0),
            high: high.max(low).max(0.0),
        }
    }

    /// Lower bound, at most 0.
    pub fn low(self) -> f32 {
        self.low
    }

    /// Upper bound, at least 0.
    pub fn high(self) -> f32 {
        self.high
    }

    /// Checks whether 0 is the only value.
    pub fn is_empty(self) -> bool {
        self.low == 0.0 && self.high == 0.0
    }
}

/// Ranges of the tensors of a graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranges {
    by_tensor: BTreeMap<TensorId, Range>,
    others: Option<Range>,
}

impl Ranges {
    /// Creates an empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Same range for all tensors: sufficient for latency measurements, which do not depend on the values.
    pub fn uniform(range: Range) -> Self {
        Self {
            by_tensor: BTreeMap::new(),
            others: Some(range),
        }
    }

    /// Sets the range of a tensor.
    pub fn insert(&mut self, tensor: TensorId, range: Range) {
        self.by_tensor.insert(tensor, range);
    }

    /// Range of a tensor, `None` if it is not known.
    pub fn get(&self, tensor: TensorId) -> Option<Range> {
        self.by_tensor.get(&tensor).copied().or(self.others)
    }
}

impl FromIterator<(TensorId, Range)> for Ranges {
    fn from_iter<I: IntoIterator<Item = (TensorId, Range)>>(ranges: I) -> Self {
        Self {
            by_tensor: ranges.into_iter().collect(),
            others: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_zero_and_are_finite() {
        let bounds = |low, high| Range::new(low, high).map(|range| (range.low(), range.high()));
        assert_eq!(bounds(1.0, 2.0), Some((0.0, 2.0)));
        assert_eq!(bounds(-3.0, -1.0), Some((-3.0, 0.0)));
        assert_eq!(bounds(f32::NAN, 1.0), None);
        assert_eq!(bounds(0.0, f32::INFINITY), None);
        assert!(Range::new(0.0, 0.0).is_some_and(Range::is_empty));
    }

    #[test]
    fn a_tensor_of_its_own_comes_before_all_others() {
        let [wide, narrow] = [8.0, 1.0].map(|high| Range::new(0.0, high).unwrap());
        let mut ranges = Ranges::uniform(wide);
        ranges.insert(TensorId(3), narrow);
        assert_eq!(ranges.get(TensorId(3)), Some(narrow));
        assert_eq!(ranges.get(TensorId(4)), Some(wide));
        assert_eq!(Ranges::new().get(TensorId(4)), None);
    }
}

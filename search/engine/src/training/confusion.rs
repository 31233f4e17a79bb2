//! Confusion matrix of a classifier.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts of images by their class and the class that a network predicts.
///
/// Only counts above 0 are stored: a matrix of thousands of classes is mostly empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(u32, u32, u64)>", into = "Vec<(u32, u32, u64)>")]
pub struct Confusion {
    /// By class and prediction.
    counts: BTreeMap<(u32, u32), u64>,
}

impl Confusion {
    /// Counts an image of class `label` for which `prediction` has the highest score.
    pub fn count(&mut self, label: u32, prediction: u32) {
        *self.counts.entry((label, prediction)).or_default() += 1;
    }

    /// Images of class `label` for which `prediction` has the highest score.
    pub fn get(&self, label: u32, prediction: u32) -> u64 {
        self.counts.get(&(label, prediction)).copied().unwrap_or(0)
    }

    /// Classes that have images, in order.
    pub fn labels(&self) -> Vec<u32> {
        let mut labels: Vec<u32> = self.counts.keys().map(|(label, _)| *label).collect();
        labels.dedup();
        labels
    }

    /// Classes that have images or were predicted, in order.
    pub fn classes(&self) -> Vec<u32> {
        let mut classes: Vec<u32> = self.counts.keys().flat_map(|&(one, other)| [one, other]).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// Images of class `label`.
    pub fn images(&self, label: u32) -> u64 {
        self.counts
            .range((label, 0)..=(label, u32::MAX))
            .map(|(_, count)| count)
            .sum()
    }

    /// Share of the images of class `label` that are predicted as such, in percent; `None` where there is no such image.
    pub fn accuracy(&self, label: u32) -> Option<f64> {
        let images = self.images(label);
        (images > 0).then(|| 100.0 * self.get(label, label) as f64 / images as f64)
    }
}

impl From<Vec<(u32, u32, u64)>> for Confusion {
    fn from(counts: Vec<(u32, u32, u64)>) -> Self {
        let counts = counts
            .into_iter()
            .map(|(label, prediction, count)| ((label, prediction), count));
        Self {
            counts: counts.collect(),
        }
    }
}

impl From<Confusion> for Vec<(u32, u32, u64)> {
    fn from(confusion: Confusion) -> Self {
        let counts = confusion.counts.into_iter();
        counts
            .map(|((label, prediction), count)| (label, prediction, count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_by_class_and_travel_as_json() {
        let mut confusion = Confusion::default();
        for (label, prediction) in [(0, 0), (0, 0), (0, 3), (2, 2), (2, 0)] {
            confusion.count(label, prediction);
        }
        assert_eq!(
            (confusion.images(0), confusion.images(1), confusion.images(2)),
            (3, 0, 2)
        );
        assert_eq!(confusion.labels(), [0, 2]);
        assert_eq!(confusion.classes(), [0, 2, 3]);
        assert_eq!((confusion.accuracy(1), confusion.accuracy(2)), (None, Some(50.0)));
        let json = serde_json::to_string(&confusion).unwrap();
        assert_eq!(json, "[[0,0,2],[0,3,1],[2,0,1],[2,2,1]]");
        assert_eq!(serde_json::from_str::<Confusion>(&json).unwrap(), confusion);
    }
}

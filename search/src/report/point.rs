//! Rows of reports: one per candidate or reference, with its counts, accuracy and latency.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::units;
use mnas_engine::front::pareto_front;

/// Kind of a row: found by the search, or a named published network trained beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// An architecture drawn from the search space.
    Candidate,
    /// A named published network, such as `MobileNetV2 0.75x 160`.
    Reference,
}

impl fmt::Display for RowKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Candidate => "candidate",
            Self::Reference => "reference",
        })
    }
}

/// State of a row's evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowStatus {
    /// Evaluated; it has an accuracy.
    Complete,
    /// The evaluation failed.
    Failed,
    /// Proposed and not finished (the study was interrupted or is still running).
    Pending,
}

impl fmt::Display for RowStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Pending => "pending",
        })
    }
}

/// One network as the reports show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Trial number within the study; `None` for a row without a trial (a reference evaluated separately).
    pub trial: Option<u64>,
    /// Candidate or reference.
    pub kind: RowKind,
    /// The reference's name, or empty for a candidate (it is then called `#<trial>`).
    pub name: String,
    /// Stable id of the architecture.
    pub id: String,
    /// The architecture in its compact written form.
    pub architecture: String,
    /// State of its evaluation.
    pub status: RowStatus,
    /// Top-1 accuracy in percent, 0 to 100; a score where `is_score` is set.
    pub accuracy: Option<f64>,
    /// Predicted ImageNet top-1 in percent; `None` outside of the predictor's range.
    pub imagenet_top1: Option<f64>,
    /// Epochs of the training behind the accuracy, including the shorter training that it continues.
    #[serde(default)]
    pub epochs: Option<u32>,
    /// Accuracy weighed by latency, where budgets are weighed and not kept.
    #[serde(default)]
    pub reward: Option<f64>,
    /// Trial with a longer training of the same network, which counts in place of this row.
    #[serde(default)]
    pub continued_by: Option<u64>,
    /// True if the accuracy is a score: a rank among networks, not a share of images.
    #[serde(default)]
    pub is_score: bool,
    /// Latency predicted from the table, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Lower end of the prediction's interval, in milliseconds.
    pub latency_low_ms: Option<f64>,
    /// Upper end of the prediction's interval, in milliseconds.
    pub latency_high_ms: Option<f64>,
    /// Latency of the whole network measured on the device, in milliseconds.
    pub measured_ms: Option<f64>,
    /// Parameters, batch-norm unfolded.
    pub params: u64,
    /// Multiply-adds of one image.
    pub macs: u64,
    /// Peak activation memory of one image, in bytes.
    pub peak_activation_bytes: u64,
    /// Input resolution of the deployed network, in pixels.
    pub resolution: u32,
    /// Seconds its training took.
    pub train_seconds: Option<f64>,
    /// True if no other candidate is both as fast and as accurate; set by [`mark_front`].
    pub on_front: bool,
    /// True if it keeps every constraint of its study, as measured where it was measured.
    pub within_budget: bool,
}

impl ReportRow {
    /// An empty row of this kind: pending, no accuracy, no latency, all counts 0.
    pub fn new(kind: RowKind, id: impl Into<String>) -> Self {
        Self {
            trial: None,
            kind,
            name: String::new(),
            id: id.into(),
            architecture: String::new(),
            status: RowStatus::Pending,
            accuracy: None,
            imagenet_top1: None,
            epochs: None,
            reward: None,
            continued_by: None,
            is_score: false,
            latency_ms: None,
            latency_low_ms: None,
            latency_high_ms: None,
            measured_ms: None,
            params: 0,
            macs: 0,
            peak_activation_bytes: 0,
            resolution: 0,
            train_seconds: None,
            on_front: false,
            within_budget: false,
        }
    }

    /// The accuracy, or the score, as text.
    pub fn accuracy_text(&self) -> Option<String> {
        let format = if self.is_score { units::score } else { units::percent };
        self.accuracy.filter(|value| value.is_finite()).map(format)
    }

    /// Label of the row in tables and plots: its name, else `#<trial>`, else the first eight characters of its id.
    pub fn label(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        match self.trial {
            Some(trial) => format!("#{trial}"),
            None => self.id.chars().take(8).collect(),
        }
    }

    /// Place of the row on the horizontal axis: the predicted latency in milliseconds, which every row of a study with a device
    /// has, else the measured one, else millions of multiply-adds.
    pub fn axis_cost(&self) -> Option<f64> {
        finite_positive(self.latency_ms)
            .or_else(|| finite_positive(self.measured_ms))
            .or_else(|| finite_positive(Some(self.macs as f64 / 1e6)))
    }

    /// Latency as measured where it was measured, else as predicted.
    pub fn decisive_latency_ms(&self) -> Option<f64> {
        finite_positive(self.measured_ms).or_else(|| finite_positive(self.latency_ms))
    }

    /// The row as a point (cost on the horizontal axis, accuracy in percent) if it is complete and has both, and if no other row
    /// has a longer training of the network.
    pub fn point(&self) -> Option<(f64, f64)> {
        if self.status != RowStatus::Complete || self.continued_by.is_some() {
            return None;
        }
        let accuracy = self.accuracy.filter(|value| value.is_finite())?;
        Some((self.axis_cost()?, accuracy))
    }
}

fn finite_positive(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value > 0.0)
}

/// Sets `on_front` of every row: the front is that of the complete candidates on (cost, accuracy), whether they keep the
/// budget or not; references are drawn beside it and are never on it.
pub fn mark_front(rows: &mut [ReportRow]) {
    let mut indices = Vec::new();
    let mut points = Vec::new();
    for (index, row) in rows.iter_mut().enumerate() {
        row.on_front = false;
        if let (RowKind::Candidate, Some(point)) = (row.kind, row.point()) {
            indices.push(index);
            points.push(point);
        }
    }
    for member in front_of(&points) {
        rows[indices[member]].on_front = true;
    }
}

/// Indices of the points (cost, accuracy) that no other point dominates, in ascending order of cost.
pub fn front_of(points: &[(f64, f64)]) -> Vec<usize> {
    let minimised: Vec<[f64; 2]> = points.iter().map(|&(cost, accuracy)| [cost, -accuracy]).collect();
    pareto_front(&minimised)
}

/// Returns true if some networks are trained longer than others.
pub(super) fn epochs_differ(rows: &[ReportRow]) -> bool {
    let mut epochs = rows.iter().filter_map(|row| row.epochs);
    let first = epochs.next();
    epochs.any(|epochs| Some(epochs) != first)
}

/// Index of the most accurate complete row within the budget, references included; of equals the fastest, then the earliest.
/// Rows with most epochs come before all others; where there are rewards, they count in place of accuracies.
///
/// Reads `within_budget`.
pub fn best_row(rows: &[ReportRow]) -> Option<usize> {
    rows.iter()
        .enumerate()
        .filter(|(_, row)| row.within_budget)
        .filter_map(|(index, row)| {
            let latency = row.decisive_latency_ms().unwrap_or(0.0);
            let accuracy = row.point()?.1;
            Some((index, (row.epochs, latency, row.reward.unwrap_or(accuracy))))
        })
        .min_by(|(_, left), (_, right)| {
            let by_epochs = right.0.cmp(&left.0);
            by_epochs
                .then(right.2.total_cmp(&left.2))
                .then(left.1.total_cmp(&right.1))
        })
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(trial: u64, kind: RowKind, latency_ms: f64, accuracy: f64) -> ReportRow {
        ReportRow {
            trial: Some(trial),
            status: RowStatus::Complete,
            latency_ms: Some(latency_ms),
            accuracy: Some(accuracy),
            ..ReportRow::new(kind, format!("id{trial}"))
        }
    }

    #[test]
    fn references_never_join_or_thin_the_front() {
        let mut rows = vec![
            row(0, RowKind::Candidate, 10.0, 60.0),
            row(1, RowKind::Reference, 9.0, 70.0),
            row(2, RowKind::Candidate, 12.0, 59.0),
        ];
        mark_front(&mut rows);
        assert_eq!(
            rows.iter().map(|row| row.on_front).collect::<Vec<_>>(),
            [true, false, false]
        );
    }

    #[test]
    fn the_best_keeps_the_budget_and_has_the_measured_latency() {
        let mut rows = vec![
            row(0, RowKind::Candidate, 10.0, 66.0),
            row(1, RowKind::Candidate, 12.0, 65.0),
        ];
        rows[1].measured_ms = Some(9.5);
        rows[1].within_budget = true;
        assert_eq!(best_row(&rows), Some(1));
        assert_eq!(
            (rows[1].decisive_latency_ms(), rows[1].axis_cost()),
            (Some(9.5), Some(12.0))
        );
    }

    #[test]
    fn the_best_may_be_a_reference() {
        let mut rows = vec![
            row(0, RowKind::Candidate, 10.0, 66.0),
            row(1, RowKind::Reference, 9.0, 67.0),
            row(2, RowKind::Reference, 30.0, 72.0),
        ];
        rows[0].within_budget = true;
        rows[1].within_budget = true;
        assert_eq!(best_row(&rows), Some(1));
    }

    #[test]
    fn the_longest_training_of_a_network_counts_and_the_best_has_most_epochs() {
        let trained = |trial: u64, epochs: u32, accuracy: f64| ReportRow {
            epochs: Some(epochs),
            within_budget: true,
            ..row(trial, RowKind::Candidate, 10.0, accuracy)
        };
        let mut rows = vec![trained(0, 1, 66.0), trained(1, 1, 70.0), trained(2, 3, 68.0)];
        rows[0].continued_by = Some(2);
        mark_front(&mut rows);
        assert_eq!(
            rows.iter().map(|row| row.on_front).collect::<Vec<_>>(),
            [false, true, false]
        );
        assert_eq!(best_row(&rows), Some(2));
    }

    #[test]
    fn rows_without_a_device_stand_at_their_multiply_adds() {
        let row = ReportRow {
            latency_ms: None,
            macs: 300_000_000,
            ..row(0, RowKind::Candidate, 1.0, 66.0)
        };
        assert_eq!(row.point(), Some((300.0, 66.0)));
    }

    #[test]
    fn unfinished_rows_have_no_point_and_are_never_best() {
        let mut rows = vec![
            row(0, RowKind::Candidate, 10.0, f64::NAN),
            ReportRow::new(RowKind::Candidate, "abc"),
        ];
        rows.push(ReportRow {
            status: RowStatus::Failed,
            ..row(3, RowKind::Candidate, 1.0, 99.0)
        });
        mark_front(&mut rows);
        assert!(rows.iter().all(|row| !row.on_front));
        assert_eq!(best_row(&rows), None);
    }
}

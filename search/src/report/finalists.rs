//! Networks trained in full: a table, a CSV file, and the rows of the JSON document.

use std::path::{Path, PathBuf};

use serde::Serialize;

use mnas_engine::files::write_atomically;
use mnas_engine::study::FinalRole;

use super::listing::{Heading, listing};
use super::{ReportError, to_csv_text, units};

/// A network trained in full. Accuracies are in percent; those of the test split are absent where the data set has none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FinalistRow {
    /// `#12`, or name, width and resolution of a reference.
    pub name: String,
    /// The trial whose network it is.
    pub trial: u64,
    /// The reason for its training: among the best networks of the study, or a reference beside them.
    pub role: FinalRole,
    /// True if the network is a published one.
    pub is_reference: bool,
    /// Id of the architecture.
    pub id: String,
    /// The architecture.
    pub architecture: String,
    /// Latency in milliseconds, as measured where it was measured; `None` without a device.
    pub latency_ms: Option<f64>,
    /// Parameters.
    pub params: u64,
    /// Multiply-adds.
    pub macs: u64,
    /// Accuracy of its trial on validation images.
    pub trial_top1: Option<f64>,
    /// Final accuracy on validation images; `None` until its training is complete.
    pub val_top1: Option<f64>,
    /// Final accuracy on the test split.
    pub test_top1: Option<f64>,
    /// Final top-5 accuracy on the test split.
    pub test_top5: Option<f64>,
    /// Final accuracy in 8-bit integers, calibrated after training, on the same images as `test_top1` (`val_top1` without a test split).
    pub int8_top1: Option<f64>,
    /// Latency in 8-bit integers in LiteRT on this machine.
    pub int8_latency_ms: Option<f64>,
    /// Latency in 32-bit floats in the same runtime.
    pub litert_latency_ms: Option<f64>,
    /// Seconds that its training took.
    pub train_seconds: Option<f64>,
    /// True if it keeps every constraint.
    pub within_budget: bool,
    /// For a reference: true if a candidate trained in full is at least as good in final accuracy and latency, and better in
    /// one.
    pub dominated: Option<bool>,
    /// For a reference: points by which the most accurate candidate that is not slower is ahead in final accuracy.
    pub points: Option<f64>,
    /// For a reference: milliseconds by which the fastest candidate that is as accurate is ahead.
    pub ms: Option<f64>,
    /// True if it is the best: the most accurate on validation images among those that keep every constraint.
    pub best: bool,
}

impl FinalistRow {
    /// Final accuracy by which networks are shown and compared: that on the test split, where there is one.
    pub fn final_top1(&self) -> Option<f64> {
        self.test_top1.or(self.val_top1)
    }

    /// Points of final accuracy that 8-bit integers lose; negative where they gain.
    pub fn int8_loss(&self) -> Option<f64> {
        Some(self.final_top1()? - self.int8_top1?)
    }

    /// Returns true if 8-bit integers lose more than a point.
    pub fn loses_in_int8(&self) -> bool {
        self.int8_loss().is_some_and(|loss| loss > MOST_LOST_POINTS)
    }
}

/// Writes `finalists.csv` into `folder` and returns its path.
pub fn write_finalists(folder: &Path, rows: &[FinalistRow]) -> Result<PathBuf, ReportError> {
    let path = folder.join("finalists.csv");
    write_atomically(&path, to_csv_text(rows)?.as_bytes())?;
    Ok(path)
}

/// Points that 8-bit integers may lose without remark.
const MOST_LOST_POINTS: f64 = 1.0;

const HEADINGS: [Heading; 10] = [
    Heading::text("network"),
    Heading::number("test"),
    Heading::number("validation").expendable(4),
    Heading::number("trial").expendable(5),
    Heading::number("int8"),
    Heading::number("latency"),
    Heading::number("int8 latency").expendable(1),
    Heading::number("params").expendable(2),
    Heading::number("MAdds").expendable(3),
    Heading::text("note"),
];

/// The networks trained in full, the most accurate first.
pub fn finalists_table(rows: &[FinalistRow], width: Option<u16>) -> String {
    let mut sorted: Vec<&FinalistRow> = rows.iter().collect();
    sorted.sort_by(|one, other| {
        let accuracy = |row: &FinalistRow| row.final_top1().unwrap_or(f64::NEG_INFINITY);
        accuracy(other)
            .total_cmp(&accuracy(one))
            .then(one.trial.cmp(&other.trial))
    });
    let cells: Vec<Vec<String>> = sorted.into_iter().map(cells).collect();
    listing(&HEADINGS, &cells, width)
}

fn cells(row: &FinalistRow) -> Vec<String> {
    let milliseconds = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), units::milliseconds);
    let percent = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), units::percent);
    vec![
        row.name.clone(),
        percent(row.test_top1),
        percent(row.val_top1),
        percent(row.trial_top1),
        percent(row.int8_top1),
        milliseconds(row.latency_ms),
        milliseconds(row.int8_latency_ms),
        units::count(row.params),
        units::count(row.macs),
        note(row),
    ]
}

fn note(row: &FinalistRow) -> String {
    let mut notes = Vec::new();
    if row.best {
        notes.push("best".to_owned());
    }
    if row.is_reference {
        notes.push("reference".to_owned());
    }
    if !row.within_budget {
        notes.push("over budget".to_owned());
    }
    if row.val_top1.is_none() {
        notes.push("not trained in full".to_owned());
    }
    if let Some(loss) = row.int8_loss().filter(|_| row.loses_in_int8()) {
        notes.push(format!("int8 loses {loss:.1} points"));
    }
    if let Some(points) = row.points {
        notes.push(format!("candidates {points:+.2} points at its latency"));
    }
    notes.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<FinalistRow> {
        let candidate = FinalistRow {
            name: "#12".to_owned(),
            trial: 12,
            role: FinalRole::Finalist,
            is_reference: false,
            id: "a".to_owned(),
            architecture: "in32,conv_k3_c8_nre,head_o10".to_owned(),
            latency_ms: Some(0.52),
            params: 3_200_000,
            macs: 41_000_000,
            trial_top1: Some(61.2),
            val_top1: Some(92.0),
            test_top1: Some(91.4),
            test_top5: Some(99.5),
            int8_top1: Some(91.1),
            int8_latency_ms: Some(0.31),
            litert_latency_ms: Some(0.55),
            train_seconds: Some(600.0),
            within_budget: true,
            dominated: None,
            points: None,
            ms: None,
            best: true,
        };
        let reference = FinalistRow {
            name: "MobileNetV2 0.5x 32".to_owned(),
            trial: 2,
            role: FinalRole::Reference,
            is_reference: true,
            test_top1: Some(90.1),
            int8_top1: Some(88.3),
            dominated: Some(true),
            points: Some(1.3),
            ms: Some(0.05),
            best: false,
            ..candidate.clone()
        };
        let waiting = FinalistRow {
            name: "#7".to_owned(),
            trial: 7,
            val_top1: None,
            test_top1: None,
            int8_top1: None,
            int8_latency_ms: None,
            litert_latency_ms: None,
            best: false,
            ..candidate.clone()
        };
        vec![waiting, reference, candidate]
    }

    #[test]
    fn finalists_stand_beside_the_references_the_most_accurate_first() {
        insta::assert_snapshot!(finalists_table(&rows(), None));
    }

    #[test]
    fn accuracy_on_validation_images_stands_in_where_there_is_no_test_split() {
        let mut row = rows().remove(1);
        assert_eq!(row.final_top1(), Some(90.1));
        row.test_top1 = None;
        assert_eq!(row.final_top1(), Some(92.0));
        let folder = tempfile::tempdir().unwrap();
        let path = write_finalists(folder.path(), &[row]).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("val_top1,test_top1") && text.contains("92.0,,"), "{text}");
    }
}

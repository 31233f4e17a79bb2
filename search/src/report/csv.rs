//! Tables as CSV, units in the column names: `trials.csv` and `front.csv`, one row per network,
//! and the rows that other commands print.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::ReportError;
use super::point::{ReportRow, RowKind};
use mnas_engine::files::write_atomically;

/// All rows as CSV with a header: trials in their order, then rows without a trial, by name.
///
/// An absent value is an empty field. Floating-point numbers are written in the shortest form that reads back equal.
pub fn trials_csv(rows: &[ReportRow]) -> Result<Vec<u8>, ReportError> {
    let mut sorted: Vec<&ReportRow> = rows.iter().collect();
    sorted.sort_by(|left, right| {
        let key = |row: &ReportRow| (row.trial.is_none(), row.trial);
        key(left)
            .cmp(&key(right))
            .then_with(|| left.name.cmp(&right.name))
            .then_with(|| left.id.cmp(&right.id))
    });
    to_csv(&sorted)
}

/// The rows on the front as CSV with the columns of [`trials_csv`], from the fastest to the slowest.
pub fn front_csv(rows: &[ReportRow]) -> Result<Vec<u8>, ReportError> {
    let mut sorted: Vec<&ReportRow> = rows.iter().filter(|row| row.on_front).collect();
    let latency = |row: &ReportRow| row.axis_cost().unwrap_or(f64::INFINITY);
    sorted.sort_by(|left, right| {
        latency(left)
            .total_cmp(&latency(right))
            .then(left.trial.cmp(&right.trial))
    });
    to_csv(&sorted)
}

/// Writes `trials.csv` and `front.csv` into `folder` and returns their paths; each replaces its predecessor in one step.
pub fn write_tables(folder: &Path, rows: &[ReportRow]) -> Result<[PathBuf; 2], ReportError> {
    let trials = folder.join("trials.csv");
    write_atomically(&trials, &trials_csv(rows)?)?;
    let front = folder.join("front.csv");
    write_atomically(&front, &front_csv(rows)?)?;
    Ok([trials, front])
}

/// Any rows as CSV text: a column for each field of `T`, which is flat. An absent value is an empty field.
pub fn to_csv_text<T: Serialize>(rows: &[T]) -> Result<String, ReportError> {
    let problem = |reason: String| ReportError::Csv { reason };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|error| problem(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| problem(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| problem(error.to_string()))
}

/// The columns of `trials.csv` and `front.csv`.
#[derive(Serialize)]
struct Columns<'a> {
    trial: Option<u64>,
    kind: String,
    name: &'a str,
    id: &'a str,
    status: String,
    on_front: bool,
    within_budget: bool,
    top1: Option<f64>,
    latency_predicted_ms: Option<f64>,
    latency_low_ms: Option<f64>,
    latency_high_ms: Option<f64>,
    latency_measured_ms: Option<f64>,
    params: u64,
    macs: u64,
    peak_activation_bytes: u64,
    resolution_px: u32,
    train_seconds: Option<f64>,
    imagenet_top1_predicted: Option<f64>,
    architecture: &'a str,
    /// Rank among networks in place of an accuracy.
    score: Option<f64>,
    /// Epochs behind the accuracy.
    epochs: Option<u32>,
    /// Accuracy weighed by latency.
    reward: Option<f64>,
}

impl<'a> From<&'a ReportRow> for Columns<'a> {
    fn from(row: &'a ReportRow) -> Self {
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
        Self {
            trial: row.trial,
            kind: row.kind.to_string(),
            name: &row.name,
            id: &row.id,
            status: row.status.to_string(),
            on_front: row.on_front,
            within_budget: row.within_budget,
            top1: finite(row.accuracy).filter(|_| !row.is_score),
            latency_predicted_ms: finite(row.latency_ms),
            latency_low_ms: finite(row.latency_low_ms),
            latency_high_ms: finite(row.latency_high_ms),
            latency_measured_ms: finite(row.measured_ms),
            params: row.params,
            macs: row.macs,
            peak_activation_bytes: row.peak_activation_bytes,
            resolution_px: row.resolution,
            train_seconds: finite(row.train_seconds),
            imagenet_top1_predicted: finite(row.imagenet_top1).map(|top1| (top1 * 100.0).round() / 100.0),
            architecture: &row.architecture,
            score: finite(row.accuracy).filter(|_| row.is_score),
            epochs: row.epochs,
            reward: finite(row.reward),
        }
    }
}

fn to_csv(rows: &[&ReportRow]) -> Result<Vec<u8>, ReportError> {
    let columns: Vec<Columns<'_>> = rows.iter().map(|row| Columns::from(*row)).collect();
    if columns.is_empty() {
        // The header of an empty table is written from a row.
        let empty = ReportRow::new(RowKind::Candidate, "");
        let text = to_csv_text(&[Columns::from(&empty)])?;
        return Ok(text
            .lines()
            .take(1)
            .flat_map(|line| [line, "\n"])
            .collect::<String>()
            .into_bytes());
    }
    to_csv_text(&columns).map(String::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{reference, row, study};
    use super::super::point::{RowStatus, mark_front};
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const HEADER: &str = "trial,kind,name,id,status,on_front,within_budget,top1,latency_predicted_ms,\
        latency_low_ms,latency_high_ms,latency_measured_ms,params,macs,peak_activation_bytes,resolution_px,train_seconds,imagenet_top1_predicted,architecture,score,epochs,reward";

    #[test]
    fn columns_are_stable_and_absent_values_empty() -> Outcome {
        let mut rows = vec![
            reference("MobileNetV2 1.0x 224", 20.5, 71.25),
            row(RowKind::Candidate, 1, 12.25, 60.5),
        ];
        rows.push(ReportRow {
            trial: Some(0),
            status: RowStatus::Failed,
            architecture: "a, \"quoted\" one".to_owned(),
            ..ReportRow::new(RowKind::Candidate, "abc")
        });
        rows[1].latency_low_ms = Some(f64::NAN);
        mark_front(&mut rows);
        rows[1].within_budget = true;
        let csv = String::from_utf8(trials_csv(&rows)?)?;
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0], HEADER);
        assert_eq!(
            lines[1],
            "0,candidate,,abc,failed,false,false,,,,,,0,0,0,0,,,\"a, \"\"quoted\"\" one\",,,"
        );
        assert!(lines[2].starts_with("1,candidate,,"), "{}", lines[2]);
        assert!(
            lines[2].contains(",complete,true,true,60.5,12.25,,13.10"),
            "{}",
            lines[2]
        );
        assert!(lines[3].starts_with(",reference,MobileNetV2 1.0x 224,"), "{}", lines[3]);
        assert_eq!(lines.len(), 4);
        Ok(())
    }

    #[test]
    fn the_front_is_sorted_by_latency_and_holds_candidates_only() -> Outcome {
        let rows = study(Some(20.0));
        let csv = String::from_utf8(front_csv(&rows)?)?;
        let latencies: Vec<f64> = csv
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(8).unwrap_or_default().parse())
            .collect::<Result<_, _>>()?;
        assert_eq!(latencies.len(), rows.iter().filter(|row| row.on_front).count());
        assert!(latencies.is_sorted());
        assert!(!csv.contains("reference"));
        Ok(())
    }

    #[test]
    fn no_rows_still_have_a_header() -> Outcome {
        assert_eq!(String::from_utf8(front_csv(&[])?)?.trim_end(), HEADER);
        let folder = tempfile::tempdir()?;
        let paths = write_tables(folder.path(), &study(None))?;
        assert_eq!(std::fs::read_to_string(&paths[0])?.lines().count(), 73);
        Ok(())
    }
}
